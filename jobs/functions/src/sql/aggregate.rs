//! Aggregates that gather a sample whole and then estimate from it. Partial results are the rows themselves, so that
//! the estimate is the same however the rows were spread.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, DocSection, Documentation, GroupsAccumulator, Signature, Volatility,
};

use super::argument::{Presence, assigned, coerced, usage};
use super::gathering::{Gathering, Grouped};
use super::lists::{Lists, are_lists};
use super::{Argument, Columns, Constants, Row, Shape};

/// One aggregate: its face in SQL, and what it does with a sample.
pub(crate) trait Estimator: fmt::Debug + Send + Sync + 'static {
    const NAME: &'static str;
    const ARGUMENTS: &'static [Argument];
    /// What it computes, what degenerate samples give, the formula's source.
    const ABOUT: &'static str;
    const EXAMPLE: &'static str;

    const RESULT: Shape;

    /// The figures of a sample, from the gathered columns, which are those of the arguments that are not literals, in their order. The column of
    /// an argument that a call leaves out is empty. The columns must be left as they were found. None, which is null in SQL,
    /// of a sample that is unfit.
    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>>;
}

/// The arguments of which every row's value is gathered.
pub(super) fn gathered<E: Estimator>() -> impl Iterator<Item = &'static Argument> {
    E::ARGUMENTS.iter().filter(|argument| !argument.kind.is_constant())
}

/// The DataFusion function of an estimator.
pub(crate) struct Aggregate<E> {
    signature: Signature,
    documentation: Documentation,
    estimator: PhantomData<E>,
}

impl<E: Estimator> Aggregate<E> {
    pub fn function() -> Arc<AggregateUDF> {
        let arguments = E::ARGUMENTS.iter();
        let documentation = arguments.fold(
            Documentation::builder(DocSection::default(), E::ABOUT, usage(E::NAME, E::ARGUMENTS))
                .with_sql_example(E::EXAMPLE),
            |builder, argument| builder.with_argument(argument.name, argument.about),
        );
        Arc::new(AggregateUDF::from(Self {
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation.build(),
            estimator: PhantomData,
        }))
    }

    fn gathering(args: AccumulatorArgs) -> Result<Gathering<E>> {
        if args.is_distinct {
            return plan_err!("{}: DISTINCT would drop rows that happen to be equal; leave it out", E::NAME);
        }
        let given: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let positions = assigned(E::NAME, E::ARGUMENTS, &given)?;
        let gathered = || E::ARGUMENTS.iter().zip(&positions).filter(|(argument, _)| !argument.kind.is_constant());
        Ok(Gathering::new(
            gathered().map(|(_, position)| *position).collect(),
            gathered().map(|(argument, _)| argument.presence == Presence::Required).collect(),
            Constants::of(E::NAME, E::ARGUMENTS, args.exprs, &given)?,
        ))
    }
}

impl<E: Estimator> fmt::Debug for Aggregate<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(E::NAME)
    }
}

impl<E: Estimator> PartialEq for Aggregate<E> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<E: Estimator> Eq for Aggregate<E> {}

impl<E: Estimator> Hash for Aggregate<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        E::NAME.hash(state);
    }
}

impl<E: Estimator> AggregateUDFImpl for Aggregate<E> {
    fn name(&self) -> &str {
        E::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerced(E::NAME, E::ARGUMENTS, given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(E::RESULT.data_type())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Self::gathering(args)?))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match args.expr_fields {
            [sample] if are_lists(sample.data_type()) => Ok(Box::new(Lists::<E>::new())),
            _ => Ok(Box::new(Grouped::new(Self::gathering(args)?))),
        }
    }

    /// A list a gathered argument.
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |argument: &Argument| {
            let item = Arc::new(Field::new_list_field(argument.kind.data_type(), true));
            Arc::new(Field::new(format!("{}[{}]", args.name, argument.name), DataType::List(item), true))
        };
        Ok(gathered::<E>().map(field).collect())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
