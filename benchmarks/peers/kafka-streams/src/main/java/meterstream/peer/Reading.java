package meterstream.peer;

/** What the job needs of a reading: the series is the record's key. */
record Reading(long timestampMs, double value) {}
