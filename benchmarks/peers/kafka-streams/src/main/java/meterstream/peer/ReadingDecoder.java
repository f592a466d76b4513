package meterstream.peer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * MetricAvro in the Confluent wire format, by hand for its one schema: 0x00, 4 bytes of schema id, then gateway, metricType,
 * metricAttribute, timestamp (ISO-8601 instant in UTC) as strings, and value as a double. Nothing is copied.
 */
final class ReadingDecoder implements Deserializer<Reading> {
    private static final int HEADER_BYTES = 5;

    @Override
    public Reading deserialize(String topic, byte[] bytes) {
        if (bytes == null || bytes.length < HEADER_BYTES || bytes[0] != 0) {
            throw new SerializationException("not in the Confluent wire format");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int field = 0; field < 3; field++) {
            int length = length(buffer);
            buffer.position(buffer.position() + length);
        }
        int length = length(buffer);
        long timestampMs = instant(bytes, buffer.position(), length);
        buffer.position(buffer.position() + length);
        return new Reading(timestampMs, buffer.getDouble());
    }

    /** Zigzag varint. */
    private static int length(ByteBuffer buffer) {
        int raw = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = buffer.get();
            raw |= (next & 0x7f) << shift;
            if (next >= 0) {
                return raw >>> 1;
            }
        }
    }

    /** Milliseconds of "2007-01-01T00:01:00Z" or "2007-01-01T00:01:00.250Z". */
    static long instant(byte[] text, int at, int length) {
        if ((length != 20 && length != 24) || text[at + length - 1] != 'Z' || text[at + 10] != 'T') {
            throw new SerializationException("not an instant as Meterstream writes it");
        }
        long year = digits(text, at, 4);
        long month = digits(text, at + 5, 2);
        long day = digits(text, at + 8, 2);
        long seconds = digits(text, at + 11, 2) * 3600 + digits(text, at + 14, 2) * 60 + digits(text, at + 17, 2);
        long milliseconds = length == 24 ? digits(text, at + 20, 3) : 0;
        return (days(year, month, day) * 86400 + seconds) * 1000 + milliseconds;
    }

    private static long digits(byte[] text, int at, int count) {
        long number = 0;
        for (int i = 0; i < count; i++) {
            number = number * 10 + (text[at + i] - '0');
        }
        return number;
    }

    /** Days from 1970-01-01 in the Gregorian calendar; years from 0 on. Years begin in March here, so leap days come last. */
    private static long days(long year, long month, long day) {
        long y = month <= 2 ? year - 1 : year;
        long era = y / 400;
        long yearOfEra = y - era * 400;
        long dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
    }
}
