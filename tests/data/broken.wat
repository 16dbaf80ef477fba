;; A library whose function traps.
(module $broken (func $answer (export "answer") (result i32) unreachable))
