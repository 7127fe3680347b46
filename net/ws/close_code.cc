#include "net/ws/close_code.h"

namespace millrace {

bool close_code_valid_on_wire(std::uint16_t code) {
  // 1004 is reserved; 1005, 1006 and 1015 are names for what has no frame.
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace millrace
