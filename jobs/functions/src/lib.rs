//! Functions of reliability science and statistics, callable from SQL on every process.
//!
//! One file a function, in the folder of its subject. There are none yet: the first models need only what
//! DataFusion brings.

use datafusion::execution::FunctionRegistry;

/// Adds every function to a session. The client, the scheduler and the executors all call this.
pub fn register_all(_registry: &mut dyn FunctionRegistry) {}
