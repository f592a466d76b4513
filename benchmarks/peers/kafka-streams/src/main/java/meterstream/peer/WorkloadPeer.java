package meterstream.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;

/**
 * UC2 and UC3 of Theodolite, q5 and q7 of Nexmark. Ends when every record that was in the input at its start, and all that was
 * repartitioned of them, has been processed and committed, and prints one line of JSON. Windows give their final result only; in UC3,
 * and for the best of a window in q5 and q7, results are refined, as the tasks before do not go at one pace.
 */
public final class WorkloadPeer {
    private static final LongAdder READ = new LongAdder();
    private static final LongAdder SENT = new LongAdder();
    private static final LongAdder RECEIVED = new LongAdder();
    private static final AtomicLong FIRST_NANOS = new AtomicLong();

    private WorkloadPeer() {}

    public static void main(String[] arguments) throws Exception {
        long begunNanos = System.nanoTime();
        Options options = new Options(arguments);
        // Not from the offsets, in which marks of transactions count.
        long records = options.number("records");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.text("brokers")))) {
            int partitions = StreamsPeer.partitions(admin, options.text("input"));
            NewTopic output = new NewTopic(options.text("output"), partitions, (short) 1).configs(Map.of("retention.ms", "-1"));
            admin.createTopics(List.of(output)).all().get();
        }
        StreamsBuilder builder = new StreamsBuilder();
        switch (options.text("query")) {
            case "uc2" -> downsampling(builder, options);
            case "uc3" -> hoursOfDay(builder, options);
            case "q5" -> hotItems(builder, options);
            case "q7" -> highestBid(builder, options);
            default -> throw new IllegalArgumentException("--query is uc2, uc3, q5 or q7");
        }
        Properties settings = StreamsPeer.settings(options);
        // Otherwise what closes in the last second before the end is not told.
        settings.put("__emit.interval.ms.kstreams.windowed.aggregation__", 0L);
        KafkaStreams streams = new KafkaStreams(builder.build(settings), settings);
        CountDownLatch failed = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        while (READ.sum() < records || RECEIVED.sum() < SENT.sum()) {
            if (failed.await(5, TimeUnit.MILLISECONDS)) {
                System.exit(1);
            }
        }
        long processedNanos = System.nanoTime();
        if (!streams.close(Duration.ofMinutes(2))) {
            System.err.println("did not close in time");
            System.exit(1);
        }
        System.out.printf(Locale.ROOT, "{\"readings\":%d,\"start_seconds\":%.3f,\"processing_seconds\":%.3f,\"closing_seconds\":%.3f}%n",
                records, (FIRST_NANOS.get() - begunNanos) / 1e9, (processedNanos - FIRST_NANOS.get()) / 1e9,
                (System.nanoTime() - processedNanos) / 1e9);
    }

    private static void downsampling(StreamsBuilder builder, Options options) {
        TimeWindows minutes = TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1));
        input(builder, options, new ReadingDecoder(), Reading::timestampMs)
                .groupByKey(Grouped.keySerde(Serdes.Bytes()))
                .windowedBy(minutes)
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(Statistics::new, (key, reading, statistics) -> statistics.add(reading.value()),
                        store(minutes, Serdes.Bytes(), Statistics.serde()))
                .toStream()
                .map((window, statistics) -> {
                    StringBuilder out = new StringBuilder("{\"gateway\":\"").append(gateway(window.key().get(), 0)).append("\",");
                    statistics.appendJson(out, window.window().start());
                    return KeyValue.pair(window.key().get(), bytes(out.append('}')));
                })
                .to(options.text("output"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    }

    /**
     * The key is the hour of the day in Paris, one byte, and the record's key behind it. Results are refined, as in the original: without
     * a long grace the repartitioned readings of tasks that are behind would be dropped.
     */
    private static void hoursOfDay(StreamsBuilder builder, Options options) {
        ZoneId paris = ZoneId.of("Europe/Paris");
        TimeWindows months = TimeWindows.ofSizeAndGrace(Duration.ofDays(30), Duration.ofDays(100)).advanceBy(Duration.ofDays(1));
        Serde<Double> values = Serdes.serdeFrom(Serdes.Double().serializer(), counting(Serdes.Double().deserializer()));
        input(builder, options, new ReadingDecoder(), Reading::timestampMs)
                .map((key, reading) -> {
                    SENT.increment();
                    byte[] name = key.get();
                    byte[] hourly = new byte[name.length + 1];
                    hourly[0] = (byte) Instant.ofEpochMilli(reading.timestampMs()).atZone(paris).getHour();
                    System.arraycopy(name, 0, hourly, 1, name.length);
                    return KeyValue.pair(Bytes.wrap(hourly), reading.value());
                })
                .repartition(Repartitioned.with(Serdes.Bytes(), values))
                .groupByKey(Grouped.with(Serdes.Bytes(), values))
                .windowedBy(months)
                .aggregate(Statistics::new, (key, value, statistics) -> statistics.add(value),
                        store(months, Serdes.Bytes(), Statistics.serde()))
                .toStream()
                .map((window, statistics) -> {
                    byte[] key = window.key().get();
                    StringBuilder out = new StringBuilder("{\"gateway\":\"").append(gateway(key, 1)).append("\",\"hour\":").append(key[0])
                            .append(',');
                    statistics.appendJson(out, window.window().start());
                    return KeyValue.pair(key, bytes(out.append('}')));
                })
                .to(options.text("output"), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    }

    private static void hotItems(StreamsBuilder builder, Options options) {
        TimeWindows windows = TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10)).advanceBy(Duration.ofSeconds(2));
        Serde<Most> serde = Most.serde(Most.AuctionBids::read);
        KStream<Windowed<Bytes>, Long> counts = input(builder, options, new Bid.Decoder(false), Bid::timestampMs)
                .groupByKey(Grouped.keySerde(Serdes.Bytes()))
                .windowedBy(windows)
                .emitStrategy(EmitStrategy.onWindowClose())
                .count(store(windows, Serdes.Bytes(), Serdes.Long()))
                .toStream();
        best(counts.map((window, count) -> KeyValue.pair(window.window().start(),
                new Most().add(new Most.AuctionBids(Long.parseLong(window.key().toString()), count)))), serde, options);
    }

    private static void highestBid(StreamsBuilder builder, Options options) {
        TimeWindows windows = TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10));
        Serde<Most> serde = Most.serde(Most.HighBid::read);
        KStream<Windowed<Bytes>, Most> ofAuctions = input(builder, options, new Bid.Decoder(true), Bid::timestampMs)
                .groupByKey(Grouped.keySerde(Serdes.Bytes()))
                .windowedBy(windows)
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(Most::new, (key, bid, most) -> most.add(new Most.HighBid(bid)), store(windows, Serdes.Bytes(), serde))
                .toStream();
        best(ofAuctions.map((window, most) -> KeyValue.pair(window.window().start(), most)), serde, options);
    }

    /** The best of each window, of the best of its parts. */
    private static void best(KStream<Long, Most> parts, Serde<Most> serde, Options options) {
        Serde<Most> counted = Serdes.serdeFrom(serde.serializer(), counting(serde.deserializer()));
        parts.peek((window, most) -> SENT.increment())
                .repartition(Repartitioned.with(Serdes.Long(), counted))
                .groupByKey(Grouped.with(Serdes.Long(), counted))
                .aggregate(Most::new, (window, part, most) -> most.add(part),
                        Materialized.<Long, Most>as(Stores.inMemoryKeyValueStore("best"))
                                .withKeySerde(Serdes.Long()).withValueSerde(serde).withCachingEnabled())
                .toStream()
                .map((window, most) -> KeyValue.pair(Long.toString(window), most.json(window)))
                .to(options.text("output"), Produced.with(Serdes.String(), Serdes.ByteArray()));
    }

    private static <T> KStream<Bytes, T> input(StreamsBuilder builder, Options options, Deserializer<T> decoder,
            Function<T, Long> timestampMs) {
        return builder
                .stream(options.text("input"),
                        Consumed.with(Serdes.Bytes(), Serdes.<T>serdeFrom((topic, value) -> null, decoder))
                                .withTimestampExtractor((record, partitionTime) -> {
                                    @SuppressWarnings("unchecked")
                                    T value = (T) record.value();
                                    return timestampMs.apply(value);
                                }))
                .peek((key, value) -> {
                    if (FIRST_NANOS.get() == 0) {
                        FIRST_NANOS.compareAndSet(0, System.nanoTime());
                    }
                    READ.increment();
                });
    }

    private static <K, V> Materialized<K, V, WindowStore<Bytes, byte[]>> store(TimeWindows windows, Serde<K> keys, Serde<V> values) {
        Duration size = Duration.ofMillis(windows.size());
        WindowBytesStoreSupplier supplier =
                Stores.inMemoryWindowStore("windows", size.plusMillis(windows.gracePeriodMs()), size, false);
        return Materialized.<K, V>as(supplier).withKeySerde(keys).withValueSerde(values).withCachingEnabled();
    }

    private static <T> Deserializer<T> counting(Deserializer<T> deserializer) {
        return (topic, bytes) -> {
            if (topic.endsWith("-repartition")) {
                RECEIVED.increment();
            }
            return deserializer.deserialize(topic, bytes);
        };
    }

    private static String gateway(byte[] key, int from) {
        int end = from;
        while (key[end] != '.') {
            end++;
        }
        return new String(key, from, end - from, StandardCharsets.UTF_8);
    }

    private static byte[] bytes(StringBuilder text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
