;; greet.wat: a WASI preview 2 command, written by hand. It prints one line:
;;
;;     hello from a component
;;
;; A component wraps core modules and talks to its host in typed interfaces, each with a version, where
;; hello.wat passes addresses and lengths. A command exports the interface wasi:cli/run.

(component
  ;; What it needs: a stream to write to, the errors of streams, and the stream that is standard output.
  (import "wasi:io/error@0.2.0" (instance $errors
    (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))

  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $stream)) (param "contents" (list u8))
        (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $stream))

  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $outer-stream))
    (export "output-stream" (type $stream (eq $outer-stream)))
    (export "get-stdout" (func (result (own $stream))))))

  ;; The text, in a memory that both the host and the program below can see.
  (core module $Text
    (memory (export "memory") 1)
    (data (i32.const 16) "hello from a component\n"))
  (core instance $text (instantiate $Text))
  (alias core export $text "memory" (core memory $memory))

  ;; The typed functions of the host, lowered to addresses and numbers.
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush") (memory $memory)))
  (core func $drop (canon resource.drop $stream))

  (core module $Program
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (import "text" "memory" (memory 1))

    ;; The answer is 0 for success and 1 for failure, which the host's `write` leaves as a byte at address 0.
    (func (export "run") (result i32)
      (local $stdout i32)
      (local.set $stdout (call $get-stdout))
      (call $write (local.get $stdout) (i32.const 16) (i32.const 23) (i32.const 0))
      (call $drop (local.get $stdout))
      (i32.load8_u (i32.const 0))))

  (core instance $program (instantiate $Program
    (with "text" (instance $text))
    (with "host" (instance
      (export "get-stdout" (func $get-stdout))
      (export "write" (func $write))
      (export "drop" (func $drop))))))

  ;; And `run`, lifted from numbers to a result.
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
