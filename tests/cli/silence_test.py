"""Silence of all gateways: nothing moves time but the wall clock, and a session that it ended stays ended."""
import json
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ProgramTest, uci_lines  # noqa: E402

FLOWS = """
CREATE STREAM metrics WITH (topic = 'metrics', idle_timeout = '1 second');
CREATE TABLE gateway_activity WITH (topic = 'gateway_activity') AS
  SELECT gateway, WINDOWSTART AS activeSince, WINDOWEND AS lastSeen, COUNT(*) AS readings
  FROM metrics WINDOW SESSION (1 SECOND, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT BOUNDS;
CREATE STREAM activity (gateway VARCHAR KEY, activeSince TIMESTAMP, lastSeen TIMESTAMP)
  WITH (topic = 'gateway_activity', value_format = 'JSON', timestamp = 'activeSince', idle_timeout = '1 second');
CREATE STREAM silence_alarms AS
  SELECT gateway, CASE WHEN lastSeen IS NULL THEN 'CLEARED' ELSE 'RAISED' END AS alarm,
         CASE WHEN lastSeen IS NULL THEN LAG(lastSeen) ELSE lastSeen END AS silentSince, activeSince
  FROM activity WHERE lastSeen IS NOT NULL OR LAG(lastSeen) IS NOT NULL;
"""


class Silence(ProgramTest):
    def alarms(self):
        """(alarm, silentSince, activeSince) of the first gateway."""
        rows = [json.loads(line)["value"] for line in self.succeed("console", "silence_alarms", "--json").stdout.splitlines()]
        return [(row["alarm"], row["silentSince"], row["activeSince"]) for row in rows if row["gateway"] == "household-1"]

    def replay(self, lines):
        self.write("part.txt", "".join(lines))
        self.succeed("replay", "--type", "electricity", "--data", "part.txt", "--households", "1-2")

    def test_is_raised_by_the_wall_clock_and_cleared_by_the_next_reading(self):
        self.write("flows.sql", FLOWS)
        head, *lines = uci_lines(5).splitlines(keepends=True)
        self.replay([head, *lines[:3]])
        self.succeed("run", "flows.sql", "--until-idle")
        minutes = [f"2006-12-16T17:{minute}:00Z" for minute in (24, 25, 26, 27, 28)]
        # A reading each minute, and gaps of more than a second between them: all but the last are known.
        expected = [("RAISED", minutes[0], minutes[0]), ("CLEARED", minutes[0], minutes[1]),
                    ("RAISED", minutes[1], minutes[1]), ("CLEARED", minutes[1], minutes[2])]
        self.assertEqual(self.alarms(), expected)

        for patience_s in (3, 6, 12, 24):
            process = self.start_program("run", "flows.sql")
            time.sleep(patience_s)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            if self.alarms() != expected:
                break
        expected.append(("RAISED", minutes[2], minutes[2]))
        self.assertEqual(self.alarms(), expected)

        self.replay([head, *lines[3:]])
        self.succeed("run", "flows.sql", "--until-idle")
        expected += [("CLEARED", minutes[2], minutes[3]), ("RAISED", minutes[3], minutes[3]), ("CLEARED", minutes[3], minutes[4])]
        self.assertEqual(self.alarms(), expected)


if __name__ == "__main__":
    unittest.main()
