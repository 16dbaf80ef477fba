/* Prints what is in the folders that its arguments name, with a slash behind a folder. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **names) {
  for (int index = 1; index < count; index++) {
    DIR *folder = opendir(names[index]);
    if (!folder) {
      perror(names[index]);
      return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
      if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
        printf("%s%s\n", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    closedir(folder);
  }
  return 0;
}
