// What the server says, in FlatBuffers (proto/millrace.fbs; docs/FLATBUFFERS.md has the bytes).
//
// Nothing stands between two messages of a frame. A payload is copied once, from where the caller
// has it to its place in `out`.
//
// No state; used by all shards. It checks nothing and limits nothing: what is said was let in
// within limits. How bytes are laid out is flat_writer.h's.
#pragma once

#include "proto/encoder.h"

namespace millrace {

class FlatEncoder final : public Encoder {
 public:
  [[nodiscard]] bool binary() const override { return true; }
  [[nodiscard]] Bytes separator() const override { return {}; }

  void connect(std::string& out, std::uint32_t id, const ConnectResult& result) const override;
  void subscribe(std::string& out, std::uint32_t id, const SubscribeResult& result) const override;
  void unsubscribe(std::string& out, std::uint32_t id) const override;
  void publish(std::string& out, std::uint32_t id) const override;
  void presence(std::string& out, std::uint32_t id,
                std::span<const ClientInfo> members) const override;
  void presence_stats(std::string& out, std::uint32_t id, PresenceCounts counts) const override;
  void history(std::string& out, std::uint32_t id, const HistoryResult& result) const override;
  void rpc(std::string& out, std::uint32_t id, Bytes data) const override;
  void refresh(std::string& out, std::uint32_t id, const RefreshResult& result) const override;
  void sub_refresh(std::string& out, std::uint32_t id,
                   const SubRefreshResult& result) const override;
  void error(std::string& out, std::uint32_t id, ErrorCode code) const override;
  void application_error(std::string& out, std::uint32_t id, const ErrorOut& error) const override;

  void publication_push(std::string& out, Bytes channel,
                        const PublicationOut& publication) const override;
  void join_push(std::string& out, Bytes channel, const ClientInfo& member) const override;
  void leave_push(std::string& out, Bytes channel, const ClientInfo& member) const override;
  void unsubscribe_push(std::string& out, Bytes channel, UnsubscribeCode code) const override;
  void subscribe_push(std::string& out, Bytes channel, const SubscribePush& push) const override;
  void message_push(std::string& out, Bytes data) const override;
  void refresh_push(std::string& out, bool expires, std::uint32_t ttl) const override;
  void ping(std::string& out) const override;
};

}  // namespace millrace
