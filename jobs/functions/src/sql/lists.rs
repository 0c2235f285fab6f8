//! Samples that come in lists, of many groups. A list is held as it came, as a slice of the batch that brought it: its
//! numbers are copied when its group is handed on, and nulls are left out then.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Float64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::gathering::no_rows;
use super::{Constants, Estimator};

/// The sample of an estimator whose only argument is one of lists, while it is gathered.
pub(super) struct Lists<E> {
    lists: Vec<(u32, Float64Array)>,
    /// What the lists take, their own size left out.
    bytes: usize,
    /// How many groups there are, those without a list among them.
    count: usize,
    estimator: PhantomData<E>,
}

impl<E: Estimator> Lists<E> {
    pub fn new() -> Self {
        Self { lists: Vec::new(), bytes: 0, count: 0, estimator: PhantomData }
    }

    fn append(&mut self, lists: &ArrayRef, keep: Option<&BooleanArray>, groups: &[usize]) {
        let kept = |row: &usize| keep.is_none_or(|keep| keep.is_valid(*row) && keep.value(*row));
        for (row, numbers) in rows(lists).filter(|(row, _)| kept(row)) {
            self.bytes += bytes(&numbers);
            self.lists.push((groups[row] as u32, numbers));
        }
    }

    /// Takes the lists of the groups that are asked for, in the order of these, and tells how many groups they are. The
    /// others stay, and move up.
    fn take(&mut self, emit_to: EmitTo) -> (usize, Vec<(u32, Float64Array)>) {
        self.lists.sort_by_key(|(group, _)| *group);
        let count = match emit_to {
            EmitTo::All => self.count,
            EmitTo::First(count) => count.min(self.count),
        };
        let staying = self.lists.split_off(self.lists.partition_point(|(group, _)| (*group as usize) < count));
        let taken = std::mem::replace(&mut self.lists, staying);
        self.lists.iter_mut().for_each(|(group, _)| *group -= count as u32);
        self.bytes = self.lists.iter().map(|(_, numbers)| bytes(numbers)).sum();
        self.count -= count;
        (count, taken)
    }
}

impl<E: Estimator> fmt::Debug for Lists<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} lists", E::NAME, self.lists.len())
    }
}

impl<E: Estimator> GroupsAccumulator for Lists<E> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.count = total_num_groups;
        values.iter().for_each(|lists| self.append(lists, filter, group_indices));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.update_batch(states, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (count, taken) = self.take(emit_to);
        if count == 0 {
            return Ok(new_empty_array(&E::RESULT.data_type()));
        }
        let mut taken = taken.into_iter().peekable();
        let mut sample = no_rows::<E>();
        let figures = (0..count).map(|group| {
            sample.clear();
            let mut numbers = sample.take_numbers(0, f64::NAN);
            while let Some((_, list)) = taken.next_if(|(of, _)| *of as usize == group) {
                extend(&mut numbers, &list);
            }
            sample.give_numbers(0, numbers);
            Ok(E::estimate(&mut sample, &Constants::default()))
        });
        E::RESULT.array(figures)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (count, taken) = self.take(emit_to);
        let mut lengths = vec![0; count];
        taken.iter().for_each(|(group, list)| lengths[*group as usize] += list.len() - list.null_count());
        let total: usize = lengths.iter().sum();
        if i32::try_from(total).is_err() {
            return exec_err!("{}: {total} numbers in one partition, at most {} can be gathered", E::NAME, i32::MAX);
        }
        let mut numbers = Vec::with_capacity(total);
        taken.into_iter().for_each(|(_, list)| extend(&mut numbers, &list));
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(vec![Arc::new(ListArray::try_new(item, offsets, Arc::new(Float64Array::from(numbers)), None)?)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut alone = Self::new();
        let count = values.first().map_or(0, |values| values.len());
        alone.update_batch(values, &(0..count).collect::<Vec<_>>(), filter, count)?;
        alone.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.lists.capacity() * size_of::<(u32, Float64Array)>()
    }
}

/// Whether an argument is one of lists of numbers.
pub(super) fn are_lists(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_))
}

/// The lists of numbers that are there, each with its row.
pub(super) fn rows(lists: &ArrayRef) -> impl Iterator<Item = (usize, Float64Array)> {
    let lists = lists.as_list::<i32>();
    let numbers = lists.values().as_primitive::<Float64Type>();
    let ends = lists.offsets().windows(2).enumerate().filter(|(row, _)| lists.is_valid(*row));
    ends.map(|(row, ends)| (row, numbers.slice(ends[0] as usize, (ends[1] - ends[0]) as usize)))
}

/// Appends the numbers of a list that are there.
pub(super) fn extend(numbers: &mut Vec<f64>, list: &Float64Array) {
    match list.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            nulls.valid_slices().for_each(|(from, to)| numbers.extend_from_slice(&list.values()[from..to]));
        }
        _ => numbers.extend_from_slice(list.values()),
    }
}

fn bytes(numbers: &Float64Array) -> usize {
    std::mem::size_of_val(&**numbers.values()) + numbers.nulls().map_or(0, |nulls| nulls.len() / 8)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::logical_expr::Accumulator;
    use proptest::prelude::*;

    use super::super::gathering::{Gathering, Grouped};
    use super::*;
    use crate::statistics::SummaryStatistics;

    type Sample = Vec<(usize, Option<Vec<Option<f64>>>)>;

    const GROUPS: usize = 4;

    /// Lists of a few groups, nulls among them and in them.
    fn samples() -> impl Strategy<Value = Sample> {
        let number = prop::option::weighted(0.8, -1e3..1e3_f64);
        let list = prop::option::weighted(0.9, prop::collection::vec(number, 0..8));
        prop::collection::vec((0..GROUPS, list), 0..40)
    }

    fn lists(sample: &[(usize, Option<Vec<Option<f64>>>)]) -> (ArrayRef, Vec<usize>) {
        let lists = sample.iter().map(|(_, list)| list.clone());
        let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(lists);
        (Arc::new(lists), sample.iter().map(|(group, _)| *group).collect())
    }

    fn gathering() -> Gathering<SummaryStatistics> {
        Gathering::new(vec![Some(0)], vec![true], Constants::default())
    }

    /// The figures of all groups, by group.
    fn assert_same(found: &ArrayRef, expected: &ArrayRef) -> std::result::Result<(), TestCaseError> {
        let (found, expected) = (found.as_struct(), expected.as_struct());
        prop_assert_eq!(found.column(0), expected.column(0));
        for (found, expected) in found.columns().iter().zip(expected.columns()).skip(1) {
            let (found, expected) = (found.as_primitive::<Float64Type>(), expected.as_primitive::<Float64Type>());
            for (found, expected) in found.iter().zip(expected) {
                prop_assert_eq!(found.is_some(), expected.is_some());
                let difference = found.zip(expected).map_or(0.0, |(found, expected)| (found - expected).abs());
                prop_assert!(difference <= 1e-9, "{:?} instead of {:?}", found, expected);
            }
        }
        Ok(())
    }

    proptest! {
        /// Whole, in parts that are merged, and through the accumulator of single numbers.
        #[test]
        fn the_figures_do_not_depend_on_how_the_lists_are_split(sample in samples(), cuts in prop::collection::vec(0..40_usize, 0..4)) {
            let mut whole = Lists::<SummaryStatistics>::new();
            let (values, groups) = lists(&sample);
            whole.update_batch(&[values], &groups, None, GROUPS).unwrap();
            let expected = whole.evaluate(EmitTo::All).unwrap();

            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(sample.len())).chain([0, sample.len()]).collect();
            cuts.sort_unstable();
            let mut merged = Lists::<SummaryStatistics>::new();
            let mut singles = Grouped::<SummaryStatistics>::new(gathering());
            for ends in cuts.windows(2) {
                let mut part = Lists::<SummaryStatistics>::new();
                let (values, groups) = lists(&sample[ends[0]..ends[1]]);
                part.update_batch(&[values], &groups, None, GROUPS).unwrap();
                let state = part.state(EmitTo::All).unwrap();
                let all: Vec<usize> = (0..GROUPS).collect();
                merged.merge_batch(&state, &all, GROUPS).unwrap();
                singles.merge_batch(&state, &all, GROUPS).unwrap();
            }
            assert_same(&merged.evaluate(EmitTo::All).unwrap(), &expected)?;
            prop_assert_eq!(merged.bytes, 0);
            if !sample.is_empty() {
                assert_same(&singles.evaluate(EmitTo::All).unwrap(), &expected)?;
            }
        }

        /// The first groups leave, the others move up and take more.
        #[test]
        fn groups_that_leave_first_have_the_same_figures(sample in samples(), more in samples(), first in 1..GROUPS) {
            let [(values, groups), (later, later_groups)] = [lists(&sample), lists(&more)];
            let moved: Vec<usize> = later_groups.iter().map(|group| group % (GROUPS - first)).collect();
            let mut whole = Lists::<SummaryStatistics>::new();
            whole.update_batch(std::slice::from_ref(&values), &groups, None, GROUPS).unwrap();
            let stays: Vec<usize> = moved.iter().map(|group| group + first).collect();
            whole.update_batch(std::slice::from_ref(&later), &stays, None, GROUPS).unwrap();
            let expected = whole.evaluate(EmitTo::All).unwrap();

            let mut parted = Lists::<SummaryStatistics>::new();
            parted.update_batch(&[values], &groups, None, GROUPS).unwrap();
            let left = parted.evaluate(EmitTo::First(first)).unwrap();
            parted.update_batch(&[later], &moved, None, GROUPS - first).unwrap();
            let stayed = parted.evaluate(EmitTo::All).unwrap();
            assert_same(&left, &expected.slice(0, first))?;
            assert_same(&stayed, &expected.slice(first, GROUPS - first))?;
        }
    }

    #[test]
    fn a_list_is_held_without_a_copy_and_rows_that_the_filter_drops_are_not() {
        let (values, groups) = lists(&[(0, Some(vec![Some(1.0), None])), (1, Some(vec![Some(5.0)])), (0, None)]);
        let numbers = values.as_list::<i32>().values().as_primitive::<Float64Type>().values().as_ptr();
        let mut gathered = Lists::<SummaryStatistics>::new();
        let filter = BooleanArray::from(vec![Some(true), None, Some(true)]);
        gathered.update_batch(&[values], &groups, Some(&filter), 2).unwrap();
        assert_eq!(gathered.lists.len(), 1);
        assert_eq!(gathered.lists[0].1.values().as_ptr(), numbers);
        let counts = gathered.evaluate(EmitTo::All).unwrap();
        assert_eq!(counts.as_struct().column(0).as_primitive::<Int64Type>().values(), &[1, 0]);
    }

    #[test]
    fn one_group_alone_takes_lists_too() {
        let (values, _) = lists(&[(0, Some(vec![Some(1.0), None, Some(4.0)])), (0, None), (0, Some(vec![Some(7.0)]))]);
        let mut alone = gathering();
        Accumulator::update_batch(&mut alone, &[values]).unwrap();
        let state = Accumulator::state(&mut alone).unwrap()[0].to_array().unwrap();
        assert_eq!(state.as_list::<i32>().value(0).as_primitive::<Float64Type>().values(), &[1.0, 4.0, 7.0]);
    }
}
