/* Counts the primes below its argument, or without one for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 2000000

static char sieve[SIZE];

int main(int count, char **words) {
  int rounds = count > 1 ? atoi(words[1]) : 0, primes = 0;
  puts("spinning");
  fflush(stdout);
  for (int round = 0; !rounds || round < rounds; round++) {
    primes = 0;
    memset(sieve, 1, SIZE);
    for (int number = 2; number < SIZE; number++) {
      if (!sieve[number]) continue;
      primes++;
      for (int multiple = 2 * number; multiple < SIZE; multiple += number) sieve[multiple] = 0;
    }
  }
  printf("%d\n", primes);
  return 0;
}
