// The files of the folder sysctl/ that follow from numbers: all but the systemd unit and the rules
// of NOTRACK, which are written by hand. A test writes the folder and compares. Pure.
#pragma once

#include <string>
#include <vector>

namespace millrace {

struct FolderFile {
  std::string path;  // below sysctl/
  std::string text;
};

// For kFolderConnections and the default configuration's send buffer.
std::vector<FolderFile> sysctl_folder(std::uint64_t send_buffer_bytes);

}  // namespace millrace
