;; hello.wat: a WASI preview 1 command, written by hand. It prints one line, with its arguments in it:
;;
;;     hello, brave new world
;;
;; Its host talks to it in addresses and lengths, which point into the memory that it exports.

(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args-sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd-write (param i32 i32 i32 i32) (result i32)))

  ;; 0: number of arguments, 4: their size, 8: what to write (address, length), 16: how much was written,
  ;; 32 and 48: texts, 64: the addresses of the arguments and after them the arguments.
  (memory (export "memory") 1)
  (data (i32.const 32) "hello\n")
  (data (i32.const 48) "hello, ")

  ;; The host may take less than it is given; a failure is a trap.
  (func $print (param $from i32) (param $length i32)
    (loop $rest
      (i32.store (i32.const 8) (local.get $from))
      (i32.store (i32.const 12) (local.get $length))
      (if (call $fd-write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))
      (local.set $from (i32.add (local.get $from) (i32.load (i32.const 16))))
      (local.set $length (i32.sub (local.get $length) (i32.load (i32.const 16))))
      (br_if $rest (local.get $length))))

  (func (export "_start")
    (local $count i32) (local $texts i32) (local $end i32) (local $first i32) (local $at i32)
    (if (call $args-sizes (i32.const 0) (i32.const 4)) (then unreachable))
    (local.set $count (i32.load (i32.const 0)))

    ;; The first argument is the name of the program, which is not greeted.
    (if (i32.lt_u (local.get $count) (i32.const 2))
      (then (call $print (i32.const 32) (i32.const 6)) (return)))

    (local.set $texts (i32.add (i32.const 64) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $end (i32.add (local.get $texts) (i32.load (i32.const 4))))
    (if (i32.eq (memory.grow (i32.shr_u (local.get $end) (i32.const 16))) (i32.const -1)) (then unreachable))
    (if (call $args (i32.const 64) (local.get $texts)) (then unreachable))

    ;; Each argument ends in a zero: the last becomes a new line, the others spaces.
    (local.set $first (i32.load (i32.const 68)))
    (local.set $at (local.get $first))
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $at))) (then (i32.store8 (local.get $at) (i32.const 32))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i32.store8 (i32.sub (local.get $end) (i32.const 1)) (i32.const 10))

    (call $print (i32.const 48) (i32.const 7))
    (call $print (local.get $first) (i32.sub (local.get $end) (local.get $first)))))
