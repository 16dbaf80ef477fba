/* Prints as many MiB as its argument says to each of its streams. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words) {
  static char piece[65536];
  memset(piece, 'x', sizeof piece);
  for (int left = count > 1 ? atoi(words[1]) * 16 : 0; left; left--)
    for (int stream = 1; stream <= 2; stream++)
      if (write(stream, piece, sizeof piece) != sizeof piece) return 1;
  return 0;
}
