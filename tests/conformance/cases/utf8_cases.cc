// Section 6: texts that are UTF-8 (RFC 3629), and texts that are not. The sequences are those of
// Markus Kuhn's UTF-8 decoder stress test, put together from code points where that says more.
#include <string>

#include "tests/conformance/cases/case.h"

namespace millrace::conformance {
namespace {

constexpr std::chrono::milliseconds kNothingComes{250};
constexpr std::chrono::milliseconds kSomethingComes{2'000};

const std::string kGreek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";  // five characters
const std::string kMixed =
    "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
const std::string kEdited = "edited";

// The bits of `value` in the layout of a sequence of `bytes`, 1 to 6, right for UTF-8 or not.
std::string sequence_of(std::uint32_t value, int bytes) {
  if (bytes == 1) return {static_cast<char>(value)};
  std::string sequence;
  const std::uint32_t lead = 0xff00U >> bytes & 0xff;
  sequence.push_back(static_cast<char>(lead | value >> 6 * (bytes - 1)));
  for (int i = bytes - 2; i >= 0; --i) {
    sequence.push_back(static_cast<char>(0x80 | (value >> 6 * i & 0x3f)));
  }
  return sequence;
}

// A surrogate of UTF-16, which has no place in UTF-8.
std::string surrogate(std::uint32_t value) { return sequence_of(value, 3); }

Script answered(const std::vector<std::string>& payloads) {
  return Script()
      .send(joined(fragments(Opcode::kText, payloads)))
      .answers({
          text(joined(payloads)),
      });
}

Script refused(const std::vector<std::string>& payloads) {
  return Script().send(joined(fragments(Opcode::kText, payloads))).fails(kInvalidPayload);
}

struct Sample {
  std::string bytes;
  bool valid;
};

std::vector<Sample> all(bool valid, const std::vector<std::string>& sequences) {
  std::vector<Sample> samples;
  for (const std::string& bytes : sequences) samples.push_back({bytes, valid});
  return samples;
}

std::string hex(Bytes bytes) {
  constexpr Bytes kDigits = "0123456789abcdef";
  std::string shown;
  for (const char c : bytes.substr(0, 12)) {
    shown.push_back(kDigits[static_cast<std::uint8_t>(c) >> 4]);
    shown.push_back(kDigits[static_cast<std::uint8_t>(c) & 0xf]);
  }
  return bytes.size() > 12 ? shown + ".." : shown;
}

// --- 6.1 to 6.4: how texts are cut ---------------------------------------------------------------

Cases cut_cases() {
  const std::string bad = kGreek + surrogate(0xd800) + kEdited;
  const auto good = [](const std::string& id, const std::string& line,
                       const std::vector<std::string>& payloads) {
    return Case{id, line + " comes back (RFC 6455 section 8.1)",
                [=](const Effort&) { return answered(payloads); }};
  };
  return {
      good("6.1.1", "an empty text", {""}),
      good("6.1.2", "a text in three empty fragments", {"", "", ""}),
      good("6.1.3", "a text with an empty fragment on either side", {"", "middle", ""}),
      good("6.2.1", "a text with characters of two bytes", {kMixed}),
      good("6.2.2", "the same, cut between two characters",
           {kMixed.substr(0, 12), kMixed.substr(12)}),
      good("6.2.3", "the same in fragments of one octet", cut(kMixed, 1)),
      good("6.2.4", "Greek in fragments of one octet", cut(kGreek, 1)),
      {"6.3.1", "a text with a surrogate fails the connection (RFC 6455 section 8.1)",
       [bad](const Effort&) { return refused({bad}); }},
      {"6.3.2", "the same in fragments of one octet (RFC 6455 section 8.1)",
       [bad](const Effort&) { return refused(cut(bad, 1)); }},
  };
}

// Three parts, of which the second can't be UTF-8 any more: a server that says so at once is
// strict; one that waits for the message's end is tolerated.
Case fail_fast(const std::string& id, const std::string& line, const std::string& bad,
               const std::string& rest, std::size_t early, bool in_frames) {
  return {id, line + " fails the connection before its end (RFC 6455 section 8.1)",
          [=](const Effort&) {
            // A part of the bad sequence may stand in the first part, where it is harmless yet.
            const std::vector<std::string> parts{kGreek + bad.substr(0, early), bad.substr(early),
                                                 rest};
            const std::string header = client_header(kFinBit | 1, joined(parts).size());
            const std::vector<std::string> writes =
                in_frames ? fragments(Opcode::kText, parts)
                          : cut(mask_payload(joined(parts)), parts[0].size());
            Script script;
            if (in_frames) {
              script.send(writes[0]).wait(kNothingComes).send(writes[1]);
              script.wait(kSomethingComes).send(writes[2]);
            } else {
              const std::string masked = mask_payload(joined(parts));
              script.send(header + masked.substr(0, parts[0].size())).wait(kNothingComes);
              script.send(masked.substr(parts[0].size(), parts[1].size())).wait(kSomethingComes);
              script.send(masked.substr(parts[0].size() + parts[1].size()));
            }
            const Ending ending{.codes = {kInvalidPayload}};
            return script.may({Verdict::kOk, {waited()}, ending})
                .may({Verdict::kNonStrict, {waited()}, {.drop = true}})
                .may({Verdict::kNonStrict,
                      {waited(), waited()},
                      {.codes = {kInvalidPayload}, .drop = true}});
          }};
}

Cases fail_fast_cases() {
  const std::string beyond = sequence_of(0x110000, 4);
  const std::string rest = beyond.substr(2) + kEdited;
  return {
      fail_fast("6.4.1", "a text in frames with a number beyond U+10FFFF", beyond, kEdited, 0,
                true),
      fail_fast("6.4.2", "the same, with no octet behind the one that decides,",
                beyond.substr(0, 2), rest, 1, true),
      fail_fast("6.4.3", "a text in one frame with a number beyond U+10FFFF", beyond, kEdited, 0,
                false),
      fail_fast("6.4.4", "the same, with no octet behind the one that decides,",
                beyond.substr(0, 2), rest, 1, false),
  };
}

// --- 6.5 to 6.23: which texts --------------------------------------------------------------------

struct Group {
  std::string name;
  std::vector<Sample> samples;
};

std::vector<Sample> prefixes() {
  std::vector<Sample> samples;
  for (std::size_t size = 1; size <= kGreek.size(); ++size) {
    const bool inside = size < kGreek.size() && (kGreek[size] & 0xc0) == 0x80;
    samples.push_back({kGreek.substr(0, size), !inside});
  }
  return samples;
}

std::vector<Sample> stray_continuations() {
  std::vector<std::string> sequences{"\x80", "\xbf"};
  for (std::size_t size = 2; size <= 6; ++size) {
    sequences.push_back(std::string("\x80\xbf\x80\xbf\x80\xbf").substr(0, size));
  }
  std::string every;
  for (int byte = 0x80; byte < 0xbf; ++byte) every.push_back(static_cast<char>(byte));
  sequences.push_back(every);
  return all(false, sequences);
}

std::vector<Sample> lonely_leads() {
  std::vector<std::string> sequences;
  for (const auto& [first, last] :
       {std::pair{0xc0, 0xdf}, std::pair{0xe0, 0xef}, std::pair{0xf0, 0xf7}, std::pair{0xf8, 0xfb},
        std::pair{0xfc, 0xfd}}) {
    std::string sequence;
    for (int byte = first; byte < last; ++byte) sequence.append({static_cast<char>(byte), ' '});
    sequences.push_back(sequence);
  }
  return all(false, sequences);
}

// Of the least and of the greatest number of every length, the last octet missing.
std::vector<std::string> unfinished() {
  std::vector<std::string> sequences;
  for (const bool greatest : {false, true}) {
    for (int bytes = 2; bytes <= 6; ++bytes) {
      const int bits = bytes == 2 ? 11 : 5 * bytes + 1;
      const std::uint32_t value = greatest ? ~0U >> (32 - bits) : 0;
      std::string sequence = sequence_of(value, bytes);
      sequence.pop_back();
      sequences.push_back(sequence);
    }
  }
  return sequences;
}

// A number in every length from two to six.
std::vector<Sample> overlong(const std::vector<std::uint32_t>& values) {
  std::vector<std::string> sequences;
  for (int bytes = 2; bytes <= 6; ++bytes) {
    const std::size_t at = std::min(values.size() - 1, static_cast<std::size_t>(bytes - 2));
    sequences.push_back(sequence_of(values[at], bytes));
  }
  return all(false, sequences);
}

std::vector<Sample> paired_surrogates() {
  std::vector<std::string> sequences;
  for (const std::uint32_t high : {0xd800U, 0xdb7fU, 0xdb80U, 0xdbffU}) {
    for (const std::uint32_t low : {0xdc00U, 0xdfffU}) {
      sequences.push_back(surrogate(high) + surrogate(low));
    }
  }
  return all(false, sequences);
}

std::vector<Sample> noncharacters() {
  std::vector<std::string> sequences;
  for (std::uint32_t plane = 0; plane <= 0x10; ++plane) {
    for (const std::uint32_t last : {0xfffeU, 0xffffU}) {
      sequences.push_back(sequence_of(plane << 16 | last, plane == 0 ? 3 : 4));
    }
  }
  return all(true, sequences);
}

std::vector<Group> groups() {
  std::vector<std::string> single;
  for (const std::uint32_t value :
       {0xd800U, 0xdb7fU, 0xdb80U, 0xdbffU, 0xdc00U, 0xdf80U, 0xdfffU}) {
    single.push_back(surrogate(value));
  }
  std::vector<std::string> specials;
  for (std::uint32_t value = 0xfff9; value <= 0xffff; ++value) {
    specials.push_back(sequence_of(value, 3));
  }
  std::vector<Sample> boundaries = all(true, {sequence_of(0xd7ff, 3), sequence_of(0xe000, 3),
                                              sequence_of(0xfffd, 3), sequence_of(0x10ffff, 4)});
  boundaries.push_back({sequence_of(0x110000, 4), false});
  return {
      {"valid sequences",
       all(true, {"hello\x24world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld",
                  "hello\xf0\xa4\xad\xa2world", kGreek})},
      {"prefixes of a text", prefixes()},
      {"the first of a length", all(true, {std::string(1, '\0'), sequence_of(0x80, 2),
                                           sequence_of(0x800, 3), sequence_of(0x10000, 4)})},
      {"the first of lengths that are too much",
       all(false, {sequence_of(0x200000, 5), sequence_of(0x4000000, 6)})},
      {"the last of a length", all(true, {"\x7f", sequence_of(0x7ff, 2), sequence_of(0xffff, 3),
                                          sequence_of(0x10ffff, 4)})},
      {"the last of lengths that are too much",
       all(false,
           {sequence_of(0x1fffff, 4), sequence_of(0x3ffffff, 5), sequence_of(0x7fffffff, 6)})},
      {"other boundaries", boundaries},
      {"continuation bytes without a lead", stray_continuations()},
      {"leads without continuation bytes", lonely_leads()},
      {"the last continuation byte missing", all(false, unfinished())},
      {"all of these behind each other", all(false, {joined(unfinished())})},
      {"impossible bytes", all(false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"})},
      {"a slash in too many bytes", overlong({'/'})},
      {"the greatest overlong", overlong({0x7f, 0x7ff, 0xffff, 0x1fffff, 0x3ffffff})},
      {"NUL in too many bytes", overlong({0})},
      {"one surrogate", all(false, single)},
      {"two surrogates", paired_surrogates()},
      {"noncharacters, which are valid", noncharacters()},
      {"specials, which are valid", all(true, specials)},
  };
}

}  // namespace

Cases utf8_cases() {
  Cases cases = cut_cases();
  for (Case& one : fail_fast_cases()) cases.push_back(std::move(one));
  int group_number = 5;
  for (const Group& group : groups()) {
    int number = 0;
    for (const Sample& sample : group.samples) {
      const std::string id = "6." + std::to_string(group_number) + "." + std::to_string(++number);
      const std::string line = group.name + ": " + hex(sample.bytes) +
                               (sample.valid ? " comes back" : " fails the connection") +
                               " (RFC 3629 section 4)";
      cases.push_back({id, line, [sample](const Effort&) {
                         return sample.valid ? answered({sample.bytes}) : refused({sample.bytes});
                       }});
    }
    ++group_number;
  }
  return cases;
}

}  // namespace millrace::conformance
