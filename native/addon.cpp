// What Node loads. Compiled for any x86-64 processor, as it runs before it is known what this one can do;
// hence it uses no templates or inline functions, of which the linker might keep the copy that was compiled
// for a kernel.
#include <string.h>

#include "operations.h"
#include "processor.h"

// The two functions of Node-API that are used: its headers need not be there for this.
extern "C" {
int napi_create_string_utf8(void* env, const char* text, size_t length, void** result);
int napi_set_named_property(void* env, void* object, const char* name, void* value);
}

/** Node calls this once per thread that loads the addon; it exports `problem`, empty if the operations are
 * there. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  static const char* problem = [] {
    const char* missing = labelnoise::missingOnThisProcessor(labelnoise::kCompiledFor);
    return missing ? missing : labelnoise::registerOperations();
  }();
  void* text = nullptr;
  const char* words = problem ? problem : "";
  if (!napi_create_string_utf8(env, words, strlen(words), &text))
    napi_set_named_property(env, exports, "problem", text);
  return exports;
}
