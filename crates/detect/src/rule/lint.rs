//! Rules that cannot work on what is recorded here.
