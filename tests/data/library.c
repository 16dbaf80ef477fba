/* A library with a constructor: 2 until that has run, 42 afterwards. */
static int answer = 2;

__attribute__((constructor)) static void prepare(void) { answer = 42; }

__attribute__((export_name("answer"))) int tell(void) { return answer; }
