#include "net/server/admin_page.h"

namespace millrace {

const Bytes kAdminPage = "<!doctype html><title>millrace</title>";

}  // namespace millrace
