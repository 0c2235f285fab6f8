//! The accumulators of a sample: of one group, and of many at once. Both hand on the rows themselves, a list a column, so
//! that a sample may be gathered by one and finished by the other.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{and, prep_null_mask_filter, take};
use datafusion::arrow::datatypes::Field;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::aggregate::gathered;
use super::columns::complete;
use super::lists::{self, are_lists};
use super::{Columns, Constants, Estimator};

/// A sample while it is gathered.
pub(super) struct Gathering<E> {
    columns: Columns,
    /// Of each column, which value of the call it is.
    positions: Vec<Option<usize>>,
    /// Of each, whether rows that lack it do not count.
    required: Vec<bool>,
    constants: Constants,
    estimator: PhantomData<E>,
}

impl<E: Estimator> Gathering<E> {
    pub fn new(positions: Vec<Option<usize>>, required: Vec<bool>, constants: Constants) -> Self {
        Self { columns: no_rows::<E>(), positions, required, constants, estimator: PhantomData }
    }

    /// The values of a call by column.
    fn given(&self, values: &[ArrayRef]) -> Vec<Option<ArrayRef>> {
        self.positions.iter().map(|position| position.and_then(|position| values.get(position)).cloned()).collect()
    }
}

impl<E: Estimator> fmt::Debug for Gathering<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", E::NAME, self.columns.bytes())
    }
}

impl<E: Estimator> Accumulator for Gathering<E> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let given = self.given(values);
        match &given[..] {
            [Some(sample)] if are_lists(sample.data_type()) => {
                let mut numbers = self.columns.take_numbers(0, f64::NAN);
                lists::rows(sample).for_each(|(_, list)| lists::extend(&mut numbers, &list));
                self.columns.give_numbers(0, numbers);
                Ok(())
            }
            _ => self.columns.append(&given, complete(&given, &self.required).as_ref()),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.columns.append(&listed(states), None)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |rows| SingleRowListArrayBuilder::new(rows).with_nullable(true).build_list_scalar();
        Ok(self.columns.take().into_iter().map(list).collect())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let figures = E::estimate(&mut self.columns, &self.constants);
        ScalarValue::try_from_array(&E::RESULT.array(std::iter::once(Ok(figures)))?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.columns.bytes()
    }
}

/// The columns of a sample without rows.
pub(super) fn no_rows<E: Estimator>() -> Columns {
    Columns::new(&gathered::<E>().map(|argument| argument.kind.data_type()).collect::<Vec<_>>())
}

/// The rows in a state of lists, those of all its groups one after the other. A column that the call leaves out has none.
fn listed(states: &[ArrayRef]) -> Vec<Option<ArrayRef>> {
    let rows = |state: &ArrayRef| {
        let list = state.as_list::<i32>();
        let ends = [list.offsets().first(), list.offsets().last()].map(|end| end.map_or(0, |end| *end as usize));
        list.values().slice(ends[0], ends[1] - ends[0])
    };
    states.iter().map(rows).map(|rows| Some(rows).filter(|rows| !rows.is_empty())).collect()
}

/// The samples of many groups: their rows in the order of arrival, and beside each row its group.
pub(super) struct Grouped<E> {
    rows: Gathering<E>,
    groups: Vec<u32>,
    /// How many groups there are, those without a row among them.
    count: usize,
}

/// Rows in the order of their groups, the first group's first.
struct Ordered {
    columns: Vec<ArrayRef>,
    /// Where each group begins, and where the last ends.
    offsets: Vec<usize>,
}

impl<E: Estimator> Grouped<E> {
    pub fn new(rows: Gathering<E>) -> Self {
        Self { rows, groups: Vec::new(), count: 0 }
    }

    fn append(&mut self, given: &[Option<ArrayRef>], keep: Option<&BooleanArray>, groups: &[usize]) -> Result<()> {
        self.rows.columns.append(given, keep)?;
        let kept = groups.iter().enumerate().filter(|(row, _)| keep.is_none_or(|keep| keep.value(*row)));
        self.groups.extend(kept.map(|(_, group)| *group as u32));
        Ok(())
    }

    /// Takes the groups that are asked for; the others stay, and move up.
    fn take(&mut self, emit_to: EmitTo) -> Result<Ordered> {
        let groups = std::mem::take(&mut self.groups);
        let mut offsets = vec![0; self.count + 1];
        groups.iter().for_each(|group| offsets[*group as usize + 1] += 1);
        (0..self.count).for_each(|group| offsets[group + 1] += offsets[group]);
        let mut columns = self.rows.columns.take();
        if !groups.is_sorted() {
            let mut free = offsets.clone();
            let mut order = vec![0_u32; groups.len()];
            for (row, group) in groups.iter().enumerate() {
                order[free[*group as usize]] = row as u32;
                free[*group as usize] += 1;
            }
            let order = UInt32Array::from(order);
            for column in columns.iter_mut().filter(|column| !column.is_empty()) {
                *column = take(column, &order, None)?;
            }
        }
        let taken = match emit_to {
            EmitTo::All => self.count,
            EmitTo::First(taken) => taken.min(self.count),
        };
        let (end, all) = (offsets[taken], groups.len());
        if end < all {
            let rest = columns.iter().map(|column| (!column.is_empty()).then(|| column.slice(end, all - end)));
            self.rows.columns.append(&rest.collect::<Vec<_>>(), None)?;
            let rest = (taken..self.count)
                .flat_map(|group| std::iter::repeat_n((group - taken) as u32, offsets[group + 1] - offsets[group]));
            self.groups = rest.collect();
            columns.iter_mut().filter(|column| !column.is_empty()).for_each(|column| *column = column.slice(0, end));
        }
        self.count -= taken;
        offsets.truncate(taken + 1);
        Ok(Ordered { columns, offsets })
    }
}

impl<E: Estimator> GroupsAccumulator for Grouped<E> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.count = total_num_groups;
        let given = self.rows.given(values);
        let complete = complete(&given, &self.rows.required);
        let wanted = filter.map(|filter| match filter.null_count() {
            0 => filter.clone(),
            _ => prep_null_mask_filter(filter),
        });
        let keep = match (complete, wanted) {
            (Some(complete), Some(wanted)) => Some(and(&complete, &wanted)?),
            (complete, wanted) => complete.or(wanted),
        };
        self.append(&given, keep.as_ref(), group_indices)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.count = total_num_groups;
        self.rows.columns.append(&listed(states), None)?;
        // Of the lists of one row, the first is that of a required argument: it is as long as any.
        if let Some(state) = states.first() {
            let lengths = state.as_list::<i32>().offsets().lengths();
            let rows = group_indices.iter().zip(lengths);
            self.groups.extend(rows.flat_map(|(group, length)| std::iter::repeat_n(*group as u32, length)));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        if self.count == 0 {
            return Ok(new_empty_array(&E::RESULT.data_type()));
        }
        if self.count == 1 {
            let figures = self.rows.evaluate()?;
            self.take(emit_to)?;
            return figures.to_array();
        }
        let Ordered { columns, offsets } = self.take(emit_to)?;
        let mut sample = no_rows::<E>();
        let figures = offsets.windows(2).map(|ends| {
            sample.clear();
            sample.append_rows(&columns, &(ends[0]..ends[1]))?;
            Ok(E::estimate(&mut sample, &self.rows.constants))
        });
        E::RESULT.array(figures)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let Ordered { columns, offsets } = self.take(emit_to)?;
        let rows = offsets.last().copied().unwrap_or_default();
        if i32::try_from(rows).is_err() {
            return exec_err!("{}: {rows} rows in one partition, at most {} can be gathered", E::NAME, i32::MAX);
        }
        let filled = OffsetBuffer::<i32>::from_lengths(offsets.windows(2).map(|ends| ends[1] - ends[0]));
        let empty = OffsetBuffer::<i32>::from_lengths(std::iter::repeat_n(0, offsets.len() - 1));
        let list = |column: ArrayRef| -> Result<ArrayRef> {
            let item = Arc::new(Field::new_list_field(column.data_type().clone(), true));
            let offsets = if column.is_empty() { &empty } else { &filled };
            Ok(Arc::new(ListArray::try_new(item, offsets.clone(), column, None)?))
        };
        columns.into_iter().map(list).collect()
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = &self.rows;
        let mut alone =
            Self::new(Gathering::new(rows.positions.clone(), rows.required.clone(), rows.constants.clone()));
        let count = values.first().map_or(0, |values| values.len());
        alone.update_batch(values, &(0..count).collect::<Vec<_>>(), filter, count)?;
        alone.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        Accumulator::size(&self.rows) + self.groups.capacity() * size_of::<u32>()
    }
}
