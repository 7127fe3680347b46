// Section 5: messages in fragments, and what may stand between these.
#include <array>
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

// How the same frames are written: all at once, each by itself, octet by octet.
struct Writes {
  const char* name;
  std::size_t chop;
  bool by_frame;
};

constexpr std::array<Writes, 3> kWrites{
    {{"at once", 0, false}, {"frame by frame", 0, true}, {"octet by octet", 1, false}}};

using Frames = std::vector<std::string>;

const std::string kFirst = "fragment1";
const std::string kSecond = "fragment2";
const std::string kBoth = kFirst + kSecond;

Frames two_fragments() { return fragments(Opcode::kText, {kFirst, kSecond}); }

Frames stray(Bytes payload, bool fin) {
  return {client_frame(Opcode::kContinuation, payload, fin)};
}

Frames operator+(Frames first, const Frames& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Script written(const Frames& frames, const Writes& writes) {
  Script script;
  if (writes.by_frame) return script.send_frames(frames);
  return script.send_chopped(joined(frames), writes.chop);
}

// Three cases from `first_id` on, one for each way to write the frames.
void add_three(Cases& cases, int first_id, const std::string& line, const Frames& frames,
               const std::function<void(Script&)>& expectation) {
  for (std::size_t i = 0; i < kWrites.size(); ++i) {
    const Writes& writes = kWrites[i];
    cases.push_back({"5." + std::to_string(first_id + static_cast<int>(i)),
                     line + ", sent " + writes.name + " (RFC 6455 section 5.4)",
                     [=](const Effort&) {
                       Script script = written(frames, writes);
                       expectation(script);
                       return script;
                     }});
  }
}

void add_at_once(Cases& cases, const std::string& id, const std::string& line, const Frames& frames,
                 const std::vector<Event>& before) {
  cases.push_back({id, line + " (RFC 6455 section 5.4)", [=](const Effort&) {
                     return Script().send(joined(frames)).fails(kProtocolError, before);
                   }});
}

// Five fragments with a ping behind the second and one behind the fourth.
Case pings_between(const std::string& id, const std::string& how, bool by_frame) {
  return {id,
          "five fragments with two pings between, " + how +
              ": each is answered before the text comes back (RFC 6455 section 5.4)",
          [=](const Effort&) {
            const Frames frames = fragments(
                Opcode::kText, {"fragment1", "fragment2", "fragment3", "fragment4", "fragment5"});
            const Frames head{frames[0], frames[1], client_frame(Opcode::kPing, "pongme 1!")};
            const Frames tail{frames[2], frames[3], client_frame(Opcode::kPing, "pongme 2!"),
                              frames[4]};
            Script script;
            if (by_frame) {
              script.send_frames(head).await(1).send_frames(tail);
            } else {
              script.send(joined(head)).await(1).send(joined(tail));
            }
            return script.answers({pong("pongme 1!"), pong("pongme 2!"),
                                   text("fragment1fragment2fragment3fragment4fragment5")});
          }};
}

}  // namespace

Cases fragment_cases() {
  Cases cases;
  for (const auto& [id, name, opcode] :
       {std::tuple{"5.1", "ping", Opcode::kPing}, std::tuple{"5.2", "pong", Opcode::kPong}}) {
    add_at_once(cases, id, std::string("a ") + name + " in two fragments fails the connection",
                fragments(opcode, {kFirst, kSecond}), {});
  }
  add_three(cases, 3, "a text in two fragments comes back whole", two_fragments(),
            [](Script& script) { script.answers({text(kBoth)}); });

  const Frames two = two_fragments();
  const Frames with_ping{two[0], client_frame(Opcode::kPing, "ping payload"), two[1]};
  add_three(cases, 6, "a ping between two fragments is answered, the text comes back", with_ping,
            [](Script& script) {
              script.answers({pong("ping payload"), text(kBoth)});
            });

  const Frames hello{client_frame(Opcode::kText, "Hello, world!")};
  for (const auto& [id, fin] : {std::pair{9, true}, std::pair{12, false}}) {
    const std::string which = fin ? "a final continuation" : "a continuation";
    add_three(cases, id, which + " with nothing to continue fails the connection",
              stray("non-continuation payload", fin) + hello,
              [](Script& script) { script.fails(kProtocolError); });
  }
  add_at_once(cases, "5.15",
              "a text in two fragments comes back; a continuation behind it fails the connection",
              two_fragments() + stray("fragment3", false) + hello, {text(kBoth)});
  for (const auto& [id, fin] : {std::pair{"5.16", false}, std::pair{"5.17", true}}) {
    const Frames once = stray(kFirst, fin) + two_fragments();
    add_at_once(cases, id,
                std::string("a continuation (final: ") + (fin ? "yes" : "no") +
                    ") before a text in two fragments, twice, fails the connection",
                once + once, {});
  }
  add_at_once(cases, "5.18", "two fragments that both say they are texts fail the connection",
              {client_frame(Opcode::kText, kFirst, false), client_frame(Opcode::kText, kSecond)},
              {});
  cases.push_back(pings_between("5.19", "sent in two writes", false));
  cases.push_back(pings_between("5.20", "sent frame by frame", true));
  return cases;
}

}  // namespace millrace::conformance
