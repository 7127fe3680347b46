#include "bench/load/connector.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/load/address_plan.h"
#include "core/ring/uring.h"

namespace millrace::load {
namespace {

// Against a real listener that accepts only when the test says so.
class ConnectorTest : public testing::Test, public ConnectTaker {
 protected:
  ConnectorTest() : buffers_(4, 4'096) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    PeerAddress any = socket_address({"127.0.0.1", 0, false});
    auto* address = reinterpret_cast<sockaddr*>(&any.storage);
    CHECK_EQ(::bind(listener_, address, any.length), 0);
    CHECK_EQ(::listen(listener_, 0), 0);
    to_.length = sizeof(to_.storage);
    CHECK_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&to_.storage), &to_.length), 0);
    auto ring =
        make_uring({.submission_entries = 64, .completion_entries = 256, .files = 64}, buffers_);
    CHECK(ring.ok());
    ring_ = std::move(*ring);
    reactor_ = std::make_unique<Reactor>(*ring_, clock_);
  }
  ~ConnectorTest() override {
    connector_->stop(clock_.now());
    turn_until([this] { return connector_->idle(); });
    connector_.reset();
    reactor_.reset();
    ::close(listener_);
  }

  void make(std::uint32_t slots, Duration timeout) {
    connector_ = std::make_unique<Connector>(*reactor_, *this, slots, timeout);
  }
  void start(std::uint32_t ticket, const PeerAddress* from = nullptr) {
    connector_->start({.ticket = ticket, .from = from, .to = &to_, .began = Instant{ticket}},
                      clock_.now());
  }
  template <typename Condition>
  void turn_until(Condition&& condition) {
    const Instant end = clock_.now() + seconds(20);
    while (!condition() && clock_.now() < end) reactor_->turn(milliseconds(50));
    EXPECT_TRUE(condition());
  }

  void on_socket(std::uint32_t ticket, FileSlot, Instant began, Instant) override {
    EXPECT_EQ(began.ns, ticket);
    connected_.push_back(ticket);
  }
  void on_connect_failed(std::uint32_t, const std::string& cause, Instant) override {
    failed_.push_back(cause);
  }

  RecvBuffers buffers_;
  MonotonicClock clock_;
  int listener_ = -1;
  PeerAddress to_;
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<Connector> connector_;
  std::vector<std::uint32_t> connected_;
  std::vector<std::string> failed_;
};

TEST_F(ConnectorTest, ConnectsFromTheAddressThatItIsGiven) {
  make(2, seconds(10));
  const PeerAddress from = socket_address({"127.0.3.7", 0, false});
  start(5, &from);
  turn_until([this] { return !connected_.empty(); });
  EXPECT_EQ(connected_, std::vector<std::uint32_t>{5});
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  const int fd = ::accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(ntohl(peer.sin_addr.s_addr), 0x7f'00'03'07U);
  ::close(fd);
  EXPECT_TRUE(connector_->idle());
}

TEST_F(ConnectorTest, TellsTheCauseOfAFailure) {
  make(4, seconds(10));
  ::close(listener_);
  listener_ = -1;
  start(1);
  turn_until([this] { return !failed_.empty(); });
  EXPECT_EQ(failed_.back(), "connect: Connection refused");
  const PeerAddress foreign = socket_address({"192.0.2.77", 0, false});
  start(2, &foreign);
  EXPECT_EQ(failed_.back(), "bind to the source address: Cannot assign requested address");
  EXPECT_TRUE(connected_.empty());
}

// The kernel drops what a full queue of connections has no room for, and tries again for minutes.
TEST_F(ConnectorTest, GivesUpAfterItsTime) {
  make(8, milliseconds(300));
  for (std::uint32_t i = 0; i < 8; ++i) start(i);
  EXPECT_FALSE(connector_->has_room());
  turn_until([this] { return connected_.size() + failed_.size() == 8; });
  ASSERT_FALSE(failed_.empty());
  for (const std::string& cause : failed_) EXPECT_EQ(cause, "connect: Connection timed out");
  EXPECT_TRUE(connector_->idle());
}

TEST_F(ConnectorTest, StopEndsWhatIsUnderWayAtOnce) {
  make(8, seconds(600));
  for (std::uint32_t i = 0; i < 8; ++i) start(i);
  connector_->stop(clock_.now());  // some are on their way into the ring, and none is told yet
  turn_until([this] { return connector_->idle(); });
  EXPECT_EQ(connected_.size() + failed_.size(), 8U);
  EXPECT_FALSE(failed_.empty());
}

}  // namespace
}  // namespace millrace::load
