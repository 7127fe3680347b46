#include "net/session/application_notes.h"

namespace millrace {

ApplicationNote& ApplicationNotes::at(SubscriberId who) {
  auto& note = notes_[who];
  if (note == nullptr) note = std::make_unique<ApplicationNote>();
  return *note;
}

ApplicationNote* ApplicationNotes::find(SubscriberId who) {
  const auto found = notes_.find(who);
  return found == notes_.end() ? nullptr : found->second.get();
}

const ApplicationNote* ApplicationNotes::find(SubscriberId who) const {
  const auto found = notes_.find(who);
  return found == notes_.end() ? nullptr : found->second.get();
}

void ApplicationNotes::tidy(SubscriberId who) {
  const auto found = notes_.find(who);
  if (found != notes_.end() && found->second->says_nothing()) notes_.erase(found);
}

}  // namespace millrace
