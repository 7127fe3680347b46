// The page that the admin port serves at "/": live counters, and a console that subscribes and
// publishes from the browser. Self-contained: it loads nothing from elsewhere.
#pragma once

#include "core/base/bytes.h"

namespace millrace {

extern const Bytes kAdminPage;

}  // namespace millrace
