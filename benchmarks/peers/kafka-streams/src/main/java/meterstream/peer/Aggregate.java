package meterstream.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Count, least, greatest and sum of a window; 32 bytes in a store. */
final class Aggregate {
    private long count;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double sum;

    Aggregate add(double value) {
        count++;
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
        return this;
    }

    static Serde<Aggregate> serde() {
        return Serdes.serdeFrom(
                (topic, aggregate) -> aggregate == null ? null : aggregate.bytes(),
                (topic, bytes) -> bytes == null ? null : read(bytes));
    }

    private byte[] bytes() {
        byte[] bytes = new byte[32];
        ByteBuffer.wrap(bytes).putLong(count).putDouble(min).putDouble(max).putDouble(sum);
        return bytes;
    }

    private static Aggregate read(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Aggregate aggregate = new Aggregate();
        aggregate.count = buffer.getLong();
        aggregate.min = buffer.getDouble();
        aggregate.max = buffer.getDouble();
        aggregate.sum = buffer.getDouble();
        return aggregate;
    }

    /** The record value of topic metrics-aggregates-60 for the window [startMs, endMs) of the series "gateway.TYPE.ATTRIBUTE". */
    byte[] json(byte[] series, long startMs, long endMs) {
        String key = new String(series, StandardCharsets.UTF_8);
        int attribute = key.lastIndexOf('.');
        int type = key.lastIndexOf('.', attribute - 1);
        String text = "{\"windowStart\":\"" + Instant.ofEpochMilli(startMs) + "\",\"windowEnd\":\"" + Instant.ofEpochMilli(endMs)
                + "\",\"sampleCount\":" + count + ",\"min\":" + min + ",\"max\":" + max + ",\"sum\":" + sum
                + ",\"average\":" + sum / count + ",\"metricType\":\"" + key.substring(type + 1, attribute)
                + "\",\"metricAttribute\":\"" + key.substring(attribute + 1) + "\",\"gateway\":\"" + key.substring(0, type) + "\"}";
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
