package meterstream.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/** What the queries need of a bid. */
record Bid(long auction, long bidder, long price, long timestampMs, byte[] extra) {
    void appendJson(StringBuilder out) {
        out.append("{\"auction\":").append(auction).append(",\"price\":").append(price).append(",\"bidder\":").append(bidder)
                .append(",\"dateTime\":\"").append(Instant.ofEpochMilli(timestampMs)).append("\",\"extra\":\"")
                .append(new String(extra, StandardCharsets.UTF_8)).append("\"}");
    }

    int bytes() {
        return 36 + extra.length;
    }

    void write(ByteBuffer buffer) {
        buffer.putLong(auction).putLong(bidder).putLong(price).putLong(timestampMs).putInt(extra.length).put(extra);
    }

    static Bid read(ByteBuffer buffer) {
        long auction = buffer.getLong();
        long bidder = buffer.getLong();
        long price = buffer.getLong();
        long timestampMs = buffer.getLong();
        byte[] extra = new byte[buffer.getInt()];
        buffer.get(extra);
        return new Bid(auction, bidder, price, timestampMs, extra);
    }

    /**
     * By hand for the one order of members that the topic has, and only what is asked for: a parser of all JSON would take longer.
     */
    static final class Decoder implements Deserializer<Bid> {
        private static final byte[] AUCTION = name("\"auction\":");
        private static final byte[] BIDDER = name("\"bidder\":");
        private static final byte[] PRICE = name("\"price\":");
        private static final byte[] TIME = name("\"dateTime\":");
        private static final byte[] EXTRA = name("\"extra\":\"");
        private final boolean wholly;

        /** Not wholly: the time alone. */
        Decoder(boolean wholly) {
            this.wholly = wholly;
        }

        @Override
        public Bid deserialize(String topic, byte[] bytes) {
            if (!wholly) {
                // From the back: the members before it are long.
                int time = last(bytes, TIME);
                return new Bid(0, 0, 0, number(bytes, time), null);
            }
            int auction = after(bytes, AUCTION, 0);
            int bidder = after(bytes, BIDDER, auction);
            int price = after(bytes, PRICE, bidder);
            int extra = last(bytes, EXTRA);
            int time = last(bytes, TIME);
            int length = bytes.length - 2 - extra;
            byte[] text = new byte[length];
            System.arraycopy(bytes, extra, text, 0, length);
            return new Bid(number(bytes, auction), number(bytes, bidder), number(bytes, price), number(bytes, time), text);
        }

        private static byte[] name(String text) {
            return text.getBytes(StandardCharsets.US_ASCII);
        }

        private static int after(byte[] bytes, byte[] name, int from) {
            for (int at = from; at + name.length <= bytes.length; at++) {
                if (is(bytes, at, name)) {
                    return at + name.length;
                }
            }
            throw new SerializationException("not a bid");
        }

        private static int last(byte[] bytes, byte[] name) {
            for (int at = bytes.length - name.length; at >= 0; at--) {
                if (is(bytes, at, name)) {
                    return at + name.length;
                }
            }
            throw new SerializationException("not a bid");
        }

        private static boolean is(byte[] bytes, int at, byte[] name) {
            for (int i = 0; i < name.length; i++) {
                if (bytes[at + i] != name[i]) {
                    return false;
                }
            }
            return true;
        }

        private static long number(byte[] bytes, int at) {
            long value = 0;
            for (int i = at; bytes[i] >= '0' && bytes[i] <= '9'; i++) {
                value = value * 10 + (bytes[i] - '0');
            }
            return value;
        }
    }
}
