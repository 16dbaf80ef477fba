;; A WASI 0.2 command that ends in failure.
(component
  (core module $Program (func (export "run") (result i32) (i32.const 1)))
  (core instance $program (instantiate $Program))
  (alias core export $program "run" (core func $core-run))
  (func $run (result (result)) (canon lift (core func $core-run)))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
