//! The template engine of `Microsoft.Resources/deployments`: from the text of a template to resources in order. Pure.
//!
//! ```text
//!   body ──json──► document ──deployment──► plan: nodes in order, outputs
//!                      │                      │  resolve(node) with what is known of other resources
//!                  expression ──evaluate──────┴► the resource's body, or what must be known first
//! ```

pub mod deployment;
mod evaluate;
pub mod expression;
pub mod functions;
pub mod json;
pub mod position;
pub mod surroundings;
