package meterstream.peer;

import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Count, sum, least, greatest, mean and population variance (Welford's way) of a window; 48 bytes in a store. */
final class Statistics {
    private long count;
    private double sum;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double mean;
    private double squares;

    Statistics add(double value) {
        count++;
        sum += value;
        min = Math.min(min, value);
        max = Math.max(max, value);
        double difference = value - mean;
        mean += difference / count;
        squares += difference * (value - mean);
        return this;
    }

    static Serde<Statistics> serde() {
        return Serdes.serdeFrom(
                (topic, statistics) -> statistics == null ? null : statistics.bytes(),
                (topic, bytes) -> bytes == null ? null : read(bytes));
    }

    private byte[] bytes() {
        byte[] bytes = new byte[48];
        ByteBuffer.wrap(bytes).putLong(count).putDouble(sum).putDouble(min).putDouble(max).putDouble(mean).putDouble(squares);
        return bytes;
    }

    private static Statistics read(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Statistics statistics = new Statistics();
        statistics.count = buffer.getLong();
        statistics.sum = buffer.getDouble();
        statistics.min = buffer.getDouble();
        statistics.max = buffer.getDouble();
        statistics.mean = buffer.getDouble();
        statistics.squares = buffer.getDouble();
        return statistics;
    }

    /** Members of a JSON object, without braces. The sum is of tenths, so its double is told with one decimal. */
    void appendJson(StringBuilder out, long windowStartMs) {
        out.append("\"windowStart\":\"").append(Instant.ofEpochMilli(windowStartMs)).append("\",\"readings\":").append(count)
                .append(",\"sum\":").append(Math.round(sum * 10) / 10.0).append(",\"min\":").append(min).append(",\"max\":").append(max)
                .append(",\"mean\":").append(mean).append(",\"populationVariance\":").append(squares / count);
    }
}
