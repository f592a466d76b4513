package meterstream.peer;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Windows of 60 s with 5 min of grace over topic readings: count, min, max, sum, average, the final result of each window only.
 * Ends when every reading that was in the topic at its start has been processed and committed, and prints one line of JSON.
 */
public final class StreamsPeer {
    private static final Duration WINDOW = Duration.ofSeconds(60);
    private static final Duration GRACE = Duration.ofMinutes(5);
    private static final LongAdder PROCESSED = new LongAdder();
    private static final AtomicLong FIRST_NANOS = new AtomicLong();

    private StreamsPeer() {}

    public static void main(String[] arguments) throws Exception {
        long begunNanos = System.nanoTime();
        Options options = new Options(arguments);
        long readings;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.text("brokers")))) {
            int partitions = partitions(admin, options.text("input"));
            readings = records(admin, options.text("input"), partitions);
            // Results carry the event time, so that a topic with the default retention would lose them at once.
            NewTopic output = new NewTopic(options.text("output"), partitions, (short) 1).configs(Map.of("retention.ms", "-1"));
            admin.createTopics(List.of(output)).all().get();
        }
        StreamsBuilder builder = new StreamsBuilder();
        describe(builder, options);
        Properties settings = settings(options);
        KafkaStreams streams = new KafkaStreams(builder.build(settings), settings);
        CountDownLatch failed = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        while (PROCESSED.sum() < readings) {
            if (failed.await(5, TimeUnit.MILLISECONDS)) {
                System.exit(1);
            }
        }
        long processedNanos = System.nanoTime();
        // Flushes the cache, writes the results and commits.
        if (!streams.close(Duration.ofMinutes(2))) {
            System.err.println("did not close in time");
            System.exit(1);
        }
        long endNanos = System.nanoTime();
        System.out.printf(Locale.ROOT, "{\"readings\":%d,\"start_seconds\":%.3f,\"processing_seconds\":%.3f,\"closing_seconds\":%.3f}%n",
                readings, (FIRST_NANOS.get() - begunNanos) / 1e9, (processedNanos - FIRST_NANOS.get()) / 1e9,
                (endNanos - processedNanos) / 1e9);
    }

    private static void describe(StreamsBuilder builder, Options options) {
        builder
                .stream(options.text("input"),
                        Consumed.with(Serdes.Bytes(), Serdes.serdeFrom((topic, reading) -> null, new ReadingDecoder()))
                                .withTimestampExtractor((record, partitionTime) -> ((Reading) record.value()).timestampMs()))
                .groupByKey(Grouped.keySerde(Serdes.Bytes()))
                .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
                .aggregate(Aggregate::new, StreamsPeer::add, store(options))
                .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
                .toStream()
                .map((window, aggregate) -> KeyValue.pair(window.key().get(),
                        aggregate.json(window.key().get(), window.window().start(), window.window().end())))
                .to(options.text("output"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    }

    private static Aggregate add(Bytes key, Reading reading, Aggregate aggregate) {
        if (FIRST_NANOS.get() == 0) {
            FIRST_NANOS.compareAndSet(0, System.nanoTime());
        }
        PROCESSED.increment();
        return aggregate.add(reading.value());
    }

    private static Materialized<Bytes, Aggregate, WindowStore<Bytes, byte[]>> store(Options options) {
        String kind = options.text("store", "memory");
        Duration retention = WINDOW.plus(GRACE);
        WindowBytesStoreSupplier supplier = switch (kind) {
            case "memory" -> Stores.inMemoryWindowStore("windows", retention, WINDOW, false);
            case "rocksdb" -> Stores.persistentTimestampedWindowStore("windows", retention, WINDOW, false);
            default -> throw new IllegalArgumentException("--store is memory or rocksdb");
        };
        return Materialized.<Bytes, Aggregate>as(supplier)
                .withKeySerde(Serdes.Bytes()).withValueSerde(Aggregate.serde()).withCachingEnabled();
    }

    static Properties settings(Options options) {
        boolean exactlyOnce = options.text("guarantee").equals("exactly-once");
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, options.text("application-id"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.text("brokers"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, options.text("state-dir"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
                exactlyOnce ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, exactlyOnce ? 1000 : 10000);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, (int) options.number("threads"));
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
        settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 100);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
        return settings;
    }

    static int partitions(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
    }

    private static long records(Admin admin, String topic, int partitions) throws Exception {
        Map<TopicPartition, OffsetSpec> latest = IntStream.range(0, partitions).boxed()
                .collect(Collectors.toMap(partition -> new TopicPartition(topic, partition), partition -> OffsetSpec.latest()));
        return admin.listOffsets(latest).all().get().values().stream().mapToLong(ListOffsetsResultInfo::offset).sum();
    }
}
