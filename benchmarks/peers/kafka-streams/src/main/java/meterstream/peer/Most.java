package meterstream.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The greatest number of a window, and all that have it. */
final class Most {
    /** Of query 5: an auction and how many bids it has. Of query 7: a bid. */
    interface Candidate {
        long rank();

        int bytes();

        void write(ByteBuffer buffer);

        void appendJson(StringBuilder out, long windowMs);
    }

    record AuctionBids(long auction, long num) implements Candidate {
        @Override
        public long rank() {
            return num;
        }

        @Override
        public int bytes() {
            return 16;
        }

        @Override
        public void write(ByteBuffer buffer) {
            buffer.putLong(auction).putLong(num);
        }

        static AuctionBids read(ByteBuffer buffer) {
            return new AuctionBids(buffer.getLong(), buffer.getLong());
        }

        @Override
        public void appendJson(StringBuilder out, long windowMs) {
            out.append("{\"auction\":").append(auction).append(",\"num\":").append(num).append(",\"starttime\":\"")
                    .append(Instant.ofEpochMilli(windowMs)).append("\"}");
        }
    }

    record HighBid(Bid bid) implements Candidate {
        @Override
        public long rank() {
            return bid.price();
        }

        @Override
        public int bytes() {
            return bid.bytes();
        }

        @Override
        public void write(ByteBuffer buffer) {
            bid.write(buffer);
        }

        static HighBid read(ByteBuffer buffer) {
            return new HighBid(Bid.read(buffer));
        }

        @Override
        public void appendJson(StringBuilder out, long windowMs) {
            bid.appendJson(out);
        }
    }

    private final List<Candidate> all = new ArrayList<>(1);

    Most add(Candidate candidate) {
        long most = all.isEmpty() ? Long.MIN_VALUE : all.get(0).rank();
        if (candidate.rank() < most) {
            return this;
        }
        if (candidate.rank() > most) {
            all.clear();
        }
        all.add(candidate);
        return this;
    }

    Most add(Most other) {
        other.all.forEach(this::add);
        return this;
    }

    static Serde<Most> serde(Function<ByteBuffer, Candidate> reader) {
        return Serdes.serdeFrom(
                (topic, most) -> most == null ? null : most.bytes(),
                (topic, bytes) -> bytes == null ? null : read(bytes, reader));
    }

    private byte[] bytes() {
        byte[] bytes = new byte[4 + all.stream().mapToInt(Candidate::bytes).sum()];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).putInt(all.size());
        all.forEach(candidate -> candidate.write(buffer));
        return bytes;
    }

    private static Most read(byte[] bytes, Function<ByteBuffer, Candidate> reader) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        Most most = new Most();
        for (int left = buffer.getInt(); left > 0; left--) {
            most.all.add(reader.apply(buffer));
        }
        return most;
    }

    byte[] json(long windowMs) {
        StringBuilder out = new StringBuilder("{\"rows\":[");
        for (int i = 0; i < all.size(); i++) {
            if (i > 0) {
                out.append(',');
            }
            all.get(i).appendJson(out, windowMs);
        }
        return out.append("]}").toString().getBytes(StandardCharsets.UTF_8);
    }
}
