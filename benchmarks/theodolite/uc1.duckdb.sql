SELECT gateway AS identifier, timestamp, value::DOUBLE AS valueInW FROM metrics
