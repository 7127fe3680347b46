// What becomes of a worker's clients: sockets, attempts, closes, and what they receive.
#include <algorithm>
#include <string>
#include <utility>

#include "bench/load/payload.h"
#include "bench/load/worker.h"
#include "core/base/assert.h"

namespace millrace::load {

bool Worker::publishes(std::uint32_t number) const {
  const Options& options = shared_.options;
  return options.workload == Workload::kPublish &&
         one_of(number, options.publishers, options.connections);
}

bool Worker::is_slow(std::uint32_t number) const {
  const Options& options = shared_.options;
  const auto count =
      static_cast<std::uint64_t>(options.slow_share * static_cast<double>(options.connections));
  return count > 0 && one_of(number, count, options.connections);
}

// --- attempts ------------------------------------------------------------------------------------

void Worker::on_socket(std::uint32_t ticket, FileSlot file, Instant began, Instant now) {
  const bool room =
      table_.adopt(file, Peer{}, Units(), [&](Connection& connection) -> std::unique_ptr<Protocol> {
        if (ticket == kPublisherTicket) return make_publisher(connection, now);
        const std::uint32_t number = slice_.first + ticket;
        const std::size_t target = shared_.addresses.target_of(number);
        return std::make_unique<Client>(connection, context_, number, true, target, began, now);
      });
  CHECK(room);  // a slot for each client and each attempt
  if (stopping_) stop(now);
}

void Worker::on_connect_failed(std::uint32_t ticket, const std::string& cause, Instant now) {
  if (ticket == kPublisherTicket) return publisher_gone(cause);
  if (!stopping_) {
    ++report_.connect_errors[cause];
    ++errors_;
  }
  end_attempt(ticket, Duration{}, now);
}

void Worker::on_up(Client& client, Instant now) {
  if (is_publisher(client)) {
    publisher_ = client.connection().id();
    publisher_ready_ = true;
    return;
  }
  const std::uint32_t index = local(client);
  set_status(index, Status::kUp);
  ++report_.came_up;
  report_.connect_time.record(now - client.began());
  if (!publishing_clients_.empty()) publishing_clients_[index] = client.connection().id();
  if (!attempts_.empty()) attempts_[index] = 0;
}

void Worker::on_refused(Client& client, const HttpHead& head, Instant now) {
  if (is_publisher(client)) return publisher_gone("HTTP status 503");
  ++report_.refused;
  Duration wait{};
  if (head.retry_after) {
    ++report_.retry_after[*head.retry_after];
    wait = seconds(*head.retry_after);
  }
  end_attempt(local(client), wait, now);
}

void Worker::on_failed(Client& client, const std::string& cause, Instant now) {
  if (is_publisher(client)) return publisher_gone(cause);
  if (!stopping_) {
    ++report_.connect_errors[cause];
    ++errors_;
  }
  end_attempt(local(client), Duration{}, now);
}

void Worker::on_gone(Client& client, std::uint16_t code, bool by_us, Instant now) {
  if (is_publisher(client)) return publisher_gone("the publisher's connection was closed");
  const std::uint32_t index = local(client);
  if (by_us || stopping_) {
    ++report_.own_closes;
  } else if (drain_began_ != Instant::never()) {
    ++report_.drain_closes[code];
    report_.close_time.record(now - drain_began_);
  } else if (is_slow(client.number())) {
    ++report_.slow_closes[code];
  } else {
    ++report_.closes[code];
    ++errors_;
  }
  // What it misses from now on can't be told from a hole, unless it gets that when it comes back.
  for (std::size_t channel = 0; !context_.recover && channel < context_.channels.size();
       ++channel) {
    forgive(index, channel);
  }
  set_status(index, Status::kGone);
  if (reconnect_) come_back(index, Duration{}, now);
}

void Worker::end_attempt(std::uint32_t local, Duration least_wait, Instant now) {
  if (reconnect_ && !stopping_) {
    come_back(local, least_wait, now);
  } else {
    set_status(local, Status::kFailed);
  }
}

void Worker::come_back(std::uint32_t local, Duration least_wait, Instant now) {
  std::uint8_t& attempts = attempts_[local];
  const Duration wait = least_wait + shared_.options.backoff.wait(attempts, random_);
  if (attempts < UINT8_MAX) ++attempts;
  set_status(local, Status::kWaiting);
  ++waiting_;
  returns_.push({now + wait, local});
}

// --- what they get -------------------------------------------------------------------------------

std::size_t Worker::stream(std::uint32_t local, std::size_t channel, std::uint32_t by) const {
  return (local * context_.channels.size() + channel) * publishers_ + by;
}

void Worker::set_publishers(std::uint32_t publishers) {
  if (publishers == publishers_) return;
  publishers_ = publishers;
  sequences_.resize(slice_.count * context_.channels.size() * publishers_);
}

void Worker::on_publication(Client& client, Bytes channel, Bytes data, Instant now) {
  if (is_publisher(client)) return;
  if (is_slow(client.number())) {
    ++report_.slow_deliveries;
    return;
  }
  const auto& channels = context_.channels;
  std::size_t which = 0;
  if (context_.protocol != WireProtocol::kRaw) {
    while (which < channels.size() && !channels[which].matches(client.number(), channel)) ++which;
  }
  if (context_.protocol != WireProtocol::kRaw && which == channels.size()) {
    ++report_.misdelivered;
    ++errors_;
    return;
  }
  const std::uint32_t index = local(client);
  if (context_.recover) places_[index * channels.size() + which].advance(context_.offset);
  take_publication(index, which, data, now);
}

void Worker::take_publication(std::uint32_t local, std::size_t which, Bytes data, Instant now) {
  const Marks marks = find_marks(data);
  // Without channels there is no order to check (raw mode's default has one).
  const bool checked = marks.seq != 0 && marks.by < publishers_ && which < context_.channels.size();
  if (checked && !sequences_.take(stream(local, which, marks.by), marks.seq)) {
    ++errors_;
    return;
  }
  ++report_.deliveries;
  ++delivered_;
  if (marks.at != Instant::never()) report_.delivery.record(now - marks.at);
}

void Worker::forgive(std::uint32_t local, std::size_t which) {
  for (std::uint32_t by = 0; by < publishers_; ++by) {
    sequences_.forgive(stream(local, which, by));
  }
}

SubscribeFrom Worker::stands_at(Client& client, std::size_t which) {
  return places_[local(client) * context_.channels.size() + which].from();
}

void Worker::on_subscribed(Client& client, std::size_t which, const SubscribeAnswer& answer,
                           Instant now) {
  if (which >= context_.channels.size()) return;
  const std::uint32_t index = local(client);
  if (answer.was_recovering) {
    ++(answer.recovered ? report_.recovered : report_.unrecovered);
    if (!answer.recovered) {
      ++errors_;
      forgive(index, which);
    }
  }
  for (const RecoveredPublication& each : answer.publications) {
    take_publication(index, which, each.data, now);
  }
  places_[index * context_.channels.size() + which].set(answer.epoch, answer.offset);
}

std::vector<std::uint32_t> Worker::readers() const {
  const ChannelTable& table = shared_.channels;
  std::vector<std::uint32_t> readers(table.size());
  std::string name;
  for (std::uint32_t index = 0; index < slice_.count; ++index) {
    const std::uint32_t number = slice_.first + index;
    if (status_[index] != Status::kUp || is_slow(number)) continue;
    for (const ChannelPattern& channel : context_.channels) {
      name.clear();
      channel.append(name, number);
      const std::uint32_t found = table.find(name);
      if (found != ChannelTable::kNone) ++readers[found];
    }
  }
  return readers;
}

void Worker::finish_sequences() {
  const ChannelTable& table = shared_.channels;
  std::string name;
  for (std::uint32_t index = 0; index < slice_.count; ++index) {
    const std::uint32_t number = slice_.first + index;
    if (status_[index] != Status::kUp || is_slow(number)) continue;
    for (std::size_t which = 0; which < context_.channels.size(); ++which) {
      name.clear();
      context_.channels[which].append(name, number);
      const std::uint32_t found = table.find(name);
      if (found == ChannelTable::kNone) continue;
      const auto& published = table.at(found).published;
      for (std::uint32_t by = 0; by < published.size(); ++by) {
        sequences_.finish(stream(index, which, by), published[by]);
      }
    }
  }
}

void Worker::finish_sequences(std::uint32_t published) {
  for (std::uint32_t index = 0; index < slice_.count; ++index) {
    if (status_[index] != Status::kUp) continue;
    for (std::size_t which = 0; which < context_.channels.size(); ++which) {
      sequences_.finish(stream(index, which, 0), published);
    }
  }
}

}  // namespace millrace::load
