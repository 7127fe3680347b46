#include "core/base/mutant.h"

namespace millrace {

#ifdef MILLRACE_MUTANTS
Mutant active_mutant = Mutant::kNone;
#endif

}  // namespace millrace
