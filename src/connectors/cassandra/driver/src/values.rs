//! Rows of values that are encoded already. Each value is a 32-bit big-endian length and its bytes; -1 is null.

use scylla::errors::SerializationError;
use scylla::serialize::batch::{BatchValues, BatchValuesIterator};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

#[derive(Debug)]
struct BadValues;

impl std::fmt::Display for BadValues {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the values are not those of the statement")
    }
}
impl std::error::Error for BadValues {}

/// The first value of `bytes` and what follows it.
fn take_value(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let length = i32::from_be_bytes(*head);
    if length < 0 {
        return Some((None, rest));
    }
    let (value, rest) = rest.split_at_checked(length as usize)?;
    Some((Some(value), rest))
}

/// Bytes that `columns` values take.
fn row_size(bytes: &[u8], columns: usize) -> Option<usize> {
    let mut rest = bytes;
    for _ in 0..columns {
        rest = take_value(rest)?.1;
    }
    Some(bytes.len() - rest.len())
}

pub struct Row<'a>(pub &'a [u8]);

impl SerializeRow for Row<'_> {
    fn serialize(
        &self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter,
    ) -> Result<(), SerializationError> {
        let mut rest = self.0;
        for _ in 0..context.columns().len() {
            let (value, behind) = take_value(rest).ok_or_else(|| SerializationError::new(BadValues))?;
            let cell = writer.make_cell_writer();
            match value {
                None => {
                    cell.set_null();
                }
                Some(value) => {
                    cell.set_value(value).map_err(SerializationError::new)?;
                }
            }
            rest = behind;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(SerializationError::new(BadValues))
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The rows of one batch.
pub struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// Takes `count` rows of `columns` values from the front of `bytes`; None when they are not there.
    pub fn take(bytes: &mut &[u8], count: usize, columns: usize) -> Option<Rows> {
        let mut ends = Vec::with_capacity(count);
        let mut end = 0;
        for _ in 0..count {
            end += row_size(&bytes[end..], columns)?;
            ends.push(end);
        }
        let (own, rest) = bytes.split_at(end);
        *bytes = rest;
        Some(Rows { bytes: own.to_vec(), ends })
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        let end = *self.ends.get(index)?;
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(Row(&self.bytes[begin..end]))
    }
}

impl BatchValues for Rows {
    type BatchValuesIter<'r> = RowsIterator<'r>;

    fn batch_values_iter(&self) -> RowsIterator<'_> {
        RowsIterator { rows: self, next: 0 }
    }
}

pub struct RowsIterator<'r> {
    rows: &'r Rows,
    next: usize,
}

impl<'r> BatchValuesIterator<'r> for RowsIterator<'r> {
    fn serialize_next(
        &mut self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter,
    ) -> Option<Result<(), SerializationError>> {
        let row = self.rows.row(self.next)?;
        self.next += 1;
        Some(row.serialize(context, writer))
    }

    fn is_empty_next(&mut self) -> Option<bool> {
        let row = self.rows.row(self.next)?;
        self.next += 1;
        Some(row.is_empty())
    }

    fn skip_next(&mut self) -> Option<()> {
        self.rows.row(self.next)?;
        self.next += 1;
        Some(())
    }
}
