package meterstream.peer;

import java.io.BufferedWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Fills a topic with readings that depend on the options alone, and writes what every window of 60 s must hold to a file.
 *
 * <p>In each round every series reports once. Round r of a series with phase p is at START + r * interval + p, 0 <= p < interval,
 * so that times inside a partition are a little out of order. A last round, a day later, lets all windows before it close; its own
 * windows are not in the file. Values have three decimals, so that the expected sums are exact integers of thousandths.
 */
public final class Preload {
    private static final long START_MS = Instant.parse("2024-01-01T00:00:00Z").toEpochMilli();
    private static final long CLOSING_MS = 86_400_000;
    private static final long WINDOW_MS = 60_000;
    private static final int SCHEMA_ID = 1;

    private Preload() {}

    /** A series, and the window it is in. */
    private static final class Series {
        final byte[] key;
        final String keyText;
        final byte[] prefix;
        final int partition;
        final long phaseMs;
        long windowMs = -1;
        long count;
        long min;
        long max;
        long sum;

        Series(int number, int partitions, long intervalMs) {
            String gateway = String.format(Locale.ROOT, "household-%06d", number);
            keyText = gateway + ".ELECTRICITY.ACTIVE_POWER";
            key = keyText.getBytes(StandardCharsets.UTF_8);
            partition = Utils.toPositive(Utils.murmur2(key)) % partitions;
            phaseMs = Math.floorMod(mix(number), intervalMs);
            ByteBuffer buffer = ByteBuffer.allocate(128);
            buffer.put((byte) 0).putInt(SCHEMA_ID);
            for (String field : List.of(gateway, "ELECTRICITY", "ACTIVE_POWER")) {
                buffer.put((byte) (field.length() << 1)).put(field.getBytes(StandardCharsets.UTF_8));
            }
            prefix = new byte[buffer.position()];
            buffer.flip().get(prefix);
        }

        void tally(long timestampMs, long thousandths, BufferedWriter expected) throws Exception {
            long window = timestampMs - Math.floorMod(timestampMs, WINDOW_MS);
            if (window != windowMs) {
                close(expected);
                windowMs = window;
                count = 0;
                sum = 0;
                min = Long.MAX_VALUE;
                max = Long.MIN_VALUE;
            }
            count++;
            sum += thousandths;
            min = Math.min(min, thousandths);
            max = Math.max(max, thousandths);
        }

        void close(BufferedWriter expected) throws Exception {
            if (windowMs >= 0) {
                expected.write(keyText + "\t" + windowMs + "\t" + count + "\t" + min + "\t" + max + "\t" + sum + "\n");
            }
        }

        byte[] value(long timestampMs, double reading) {
            boolean fraction = timestampMs % 1000 != 0;
            int length = fraction ? 24 : 20;
            byte[] bytes = new byte[prefix.length + 1 + length + 8];
            System.arraycopy(prefix, 0, bytes, 0, prefix.length);
            int at = prefix.length;
            bytes[at++] = (byte) (length << 1);
            byte[] second = secondText(timestampMs / 1000);
            System.arraycopy(second, 0, bytes, at, 19);
            if (fraction) {
                long milliseconds = timestampMs % 1000;
                bytes[at + 19] = '.';
                bytes[at + 20] = (byte) ('0' + milliseconds / 100);
                bytes[at + 21] = (byte) ('0' + milliseconds / 10 % 10);
                bytes[at + 22] = (byte) ('0' + milliseconds % 10);
            }
            at += length;
            bytes[at - 1] = 'Z';
            ByteBuffer.wrap(bytes, at, 8).order(ByteOrder.LITTLE_ENDIAN).putDouble(reading);
            return bytes;
        }
    }

    private static final byte[][] SECOND_TEXTS = new byte[4096][];
    private static final long[] SECONDS = new long[4096];

    private static byte[] secondText(long second) {
        int slot = (int) (second & 4095);
        if (SECOND_TEXTS[slot] == null || SECONDS[slot] != second) {
            SECONDS[slot] = second;
            SECOND_TEXTS[slot] = Instant.ofEpochSecond(second).toString().substring(0, 19).getBytes(StandardCharsets.US_ASCII);
        }
        return SECOND_TEXTS[slot];
    }

    /** Well-spread bits of a number. */
    private static long mix(long number) {
        long z = (number + 1) * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    public static void main(String[] arguments) throws Exception {
        Options options = new Options(arguments);
        int partitions = (int) options.number("partitions");
        int count = (int) options.number("series");
        long rounds = options.number("rounds");
        long intervalMs = options.number("interval-ms");
        String topic = options.text("topic");
        makeTopic(options.text("brokers"), topic, partitions);
        Series[] series = new Series[count];
        for (int i = 0; i < count; i++) {
            series[i] = new Series(i, partitions, intervalMs);
        }
        AtomicReference<Exception> failure = new AtomicReference<>();
        long sent = 0;
        long begunNanos = System.nanoTime();
        Map<String, Object> settings = Map.of("bootstrap.servers", options.text("brokers"), "linger.ms", 50,
                "batch.size", 512 << 10, "buffer.memory", 128L << 20);
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
                BufferedWriter expected = Files.newBufferedWriter(Path.of(options.text("expected")))) {
            for (long round = 0; round <= rounds; round++) {
                boolean closing = round == rounds;
                long roundMs = START_MS + round * intervalMs + (closing ? CLOSING_MS : 0);
                for (int i = 0; i < count; i++) {
                    Series one = series[i];
                    long timestampMs = roundMs + one.phaseMs;
                    long thousandths = Math.floorMod(mix(round * count + i), 10_000L);
                    if (closing) {
                        one.close(expected);
                    } else {
                        one.tally(timestampMs, thousandths, expected);
                    }
                    producer.send(new ProducerRecord<>(topic, one.partition, one.key, one.value(timestampMs, thousandths / 1000.0)),
                            (metadata, error) -> {
                                if (error != null) {
                                    failure.compareAndSet(null, error);
                                }
                            });
                    sent++;
                }
                if (failure.get() != null) {
                    throw failure.get();
                }
            }
            producer.flush();
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        System.out.printf(Locale.ROOT, "{\"readings\":%d,\"seconds\":%.3f}%n", sent, (System.nanoTime() - begunNanos) / 1e9);
    }

    private static void makeTopic(String brokers, String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            NewTopic made = new NewTopic(topic, partitions, (short) 1).configs(Map.of("retention.ms", "-1"));
            admin.createTopics(List.of(made)).all().get();
        }
    }
}
