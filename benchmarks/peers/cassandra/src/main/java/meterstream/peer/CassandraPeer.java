package meterstream.peer;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchableStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;

/** Writes the rows of cassandra_write_measure: single|async|batch HOST:PORT ROWS IN_FLIGHT BATCH_ROWS. */
public final class CassandraPeer {
  private static final int SERIES = 100;
  private static final long MINUTE_MS = 60_000;
  private static final long DAY_MS = 86_400_000;
  private static final long BEGIN_MS = 1_167_609_600_000L;
  private static final int PENDING_ROWS = 16_384;

  private final CqlSession session;
  private final PreparedStatement insert;
  private final Semaphore free;
  private final int inFlight;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  private CassandraPeer(CqlSession session, int inFlight) {
    this.session = session;
    this.inFlight = inFlight;
    free = new Semaphore(inFlight);
    session.execute("CREATE KEYSPACE IF NOT EXISTS measured WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    session.execute(
        "CREATE TABLE IF NOT EXISTS measured.minutes_of_java (gateway text, metric text, attribute text, bucket timestamp,"
            + " windowStart timestamp, windowEnd timestamp, sampleCount bigint, min double, max double, sum decimal, average decimal,"
            + " PRIMARY KEY ((gateway, metric, attribute, bucket), windowStart)) WITH CLUSTERING ORDER BY (windowStart DESC)"
            + " AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '1'}");
    insert = session.prepare(
        "INSERT INTO measured.minutes_of_java (gateway, metric, attribute, bucket, windowStart, windowEnd, sampleCount, min, max, sum,"
            + " average) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?");
  }

  private BoundStatement row(long number) {
    long start = BEGIN_MS + number / SERIES * MINUTE_MS;
    long end = start + MINUTE_MS;
    double min = number % 1_000 / 8.0;
    return insert.bind("household-" + number % SERIES, "ELECTRICITY", "ACTIVE_POWER", Instant.ofEpochMilli(start / DAY_MS * DAY_MS),
        Instant.ofEpochMilli(start), Instant.ofEpochMilli(end), 60L, min, min + 1,
        new BigDecimal(BigInteger.valueOf(number * 1_000_000_000L), 9),
        new BigDecimal(BigInteger.valueOf(number * 1_000_000_000L / 60), 9), end * 1000 + 60);
  }

  private void send(Statement<?> statement) throws InterruptedException {
    free.acquire();
    session.executeAsync(statement).whenComplete((result, error) -> {
      if (error != null) {
        failure.compareAndSet(null, error);
      }
      free.release();
    });
  }

  private void sendBatch(List<BatchableStatement<?>> rows) throws InterruptedException {
    if (!rows.isEmpty()) {
      send(BatchStatement.newInstance(DefaultBatchType.UNLOGGED, rows));
      rows.clear();
    }
  }

  /** Rows of a series of one day go together, as many as are there, of at most PENDING_ROWS that wait. */
  private void writeBatches(long begin, long end, int batchRows) throws InterruptedException {
    List<List<BatchableStatement<?>>> waiting = new ArrayList<>();
    for (int series = 0; series < SERIES; ++series) {
      waiting.add(new ArrayList<>());
    }
    long day = -1;
    int pending = 0;
    for (long number = begin; number < end; ++number) {
      long ofDay = (BEGIN_MS + number / SERIES * MINUTE_MS) / DAY_MS;
      if (ofDay != day || pending >= PENDING_ROWS) {
        for (List<BatchableStatement<?>> rows : waiting) {
          sendBatch(rows);
        }
        day = ofDay;
        pending = 0;
      }
      List<BatchableStatement<?>> rows = waiting.get((int) (number % SERIES));
      rows.add(row(number));
      ++pending;
      if (rows.size() == batchRows) {
        sendBatch(rows);
        pending -= batchRows;
      }
    }
    for (List<BatchableStatement<?>> rows : waiting) {
      sendBatch(rows);
    }
  }

  private void write(String way, long begin, long end, int batchRows) throws InterruptedException {
    if (way.equals("batch")) {
      writeBatches(begin, end, batchRows);
    } else {
      for (long number = begin; number < end; ++number) {
        if (way.equals("single")) {
          session.execute(row(number));
        } else {
          send(row(number));
        }
      }
    }
    free.acquire(inFlight);
    free.release(inFlight);
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get());
    }
  }

  private static double cpuSeconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() * 1e-9;
  }

  public static void main(String[] arguments) throws Exception {
    String[] address = arguments[1].split(":");
    long rows = Long.parseLong(arguments[2]);
    int inFlight = Integer.parseInt(arguments[3]);
    int batchRows = Integer.parseInt(arguments[4]);
    try (CqlSession session = CqlSession.builder().addContactPoint(new InetSocketAddress(address[0], Integer.parseInt(address[1])))
        .withLocalDatacenter("datacenter1").build()) {
      CassandraPeer peer = new CassandraPeer(session, inFlight);
      // What the compiler of Java needs is not the driver's cost: a tenth before, unmeasured.
      long warm = rows / 10;
      peer.write(arguments[0], 0, warm, batchRows);
      double cpu = cpuSeconds();
      long began = System.nanoTime();
      peer.write(arguments[0], warm, warm + rows, batchRows);
      double seconds = (System.nanoTime() - began) * 1e-9;
      System.out.printf("%.0f rows/s, %.2f us of CPU a row%n", rows / seconds, (cpuSeconds() - cpu) * 1e6 / rows);
    }
  }
}
