// A NATS server in memory for played links: what one link publishes reaches those that have
// subscribed, in order; a queue group's first member gets a message; who asks nobody is told so.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/played_link.h"

namespace millrace {

class PlayedNats {
 public:
  using Filter = std::function<bool(const NatsPost& post)>;

  void add(PlayedLink& link) { links_.push_back({&link, {}}); }
  void remove(const PlayedLink& link) {
    std::erase_if(links_, [&link](const Side& side) { return side.link == &link; });
  }

  // Carries out what was asked of the links. True if there was anything.
  bool pump() {
    bool any = false;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      while (links_[i].link->is_up && !links_[i].link->requests.empty()) {
        any = true;
        carry_out(links_[i]);
      }
    }
    return any;
  }

  // From anybody.
  void publish(const NatsPost& post) {
    if (drops && drops(post)) return;
    std::vector<std::string> groups;  // that have it already
    bool heard = false;
    for (Side& side : links_) {
      if (!side.link->is_up) continue;
      for (const Held& held : side.held) {
        if (!matches(held.subject, post.subject)) continue;
        heard = true;
        if (!held.queue.empty()) {
          const std::string group = held.subject + " " + held.queue;
          if (std::find(groups.begin(), groups.end(), group) != groups.end()) continue;
          groups.push_back(group);
        }
        side.link->bring(held.id, post);
      }
    }
    published.push_back(post);
    if (!heard && !post.reply.empty()) {
      publish({.subject = post.reply, .data = "", .headers = {{"Status", "503"}}});
    }
  }

  // What the server has of a link's subscriptions.
  [[nodiscard]] std::vector<std::string> held_by(const PlayedLink& link) const {
    std::vector<std::string> subjects;
    for (const Side& side : links_) {
      if (side.link != &link) continue;
      for (const Held& held : side.held) subjects.push_back(held.subject);
    }
    return subjects;
  }
  // How many were published so far whose subject has `part` in it.
  [[nodiscard]] std::size_t count(const std::string& part) const {
    return static_cast<std::size_t>(std::count_if(
        published.begin(), published.end(),
        [&part](const NatsPost& post) { return post.subject.find(part) != std::string::npos; }));
  }

  Filter drops;  // what is lost on the way
  std::vector<NatsPost> published;

 private:
  struct Held {
    NatsSubscriptionId id;
    std::string subject;
    std::string queue;
  };
  struct Side {
    PlayedLink* link;
    std::vector<Held> held;
  };

  static bool matches(const std::string& pattern, const std::string& subject) {
    if (pattern.ends_with('>') || pattern.ends_with('*')) {
      const std::string stem = pattern.substr(0, pattern.size() - 1);
      return subject.size() > stem.size() && subject.starts_with(stem) &&
             (pattern.ends_with('>') || subject.find('.', stem.size()) == std::string::npos);
    }
    return pattern == subject;
  }

  void carry_out(Side& side) {
    const NatsRequest request = side.link->requests.front();
    switch (request.kind) {
      case NatsRequestKind::kSubscribe:
        side.held.push_back({request.subscription, request.post.subject, request.queue});
        break;
      case NatsRequestKind::kUnsubscribe:
        std::erase_if(side.held, [&request](const Held& held) {
          return held.id.index == request.subscription.index;
        });
        break;
      case NatsRequestKind::kPublish:
        break;
    }
    side.link->answer_first();
    if (request.kind == NatsRequestKind::kPublish) publish(request.post);
  }

  std::vector<Side> links_;
};

}  // namespace millrace
