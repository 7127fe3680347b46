#include "net/machine/fact_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/fake_machine.h"

namespace millrace {
namespace {

Reading reading_of(const std::string& text) {
  const FakeMachine machine(FakeMachine::Files{{"f", text}});
  return read_numbers(machine.path("f")).reading;
}

TEST(FactFiles, ReadsANumberAndNothingElse) {
  const FakeMachine machine(FakeMachine::Files{{"f", "42\n"}});
  const Fact fact = read_numbers(machine.path("f"));
  ASSERT_TRUE(fact.known());
  EXPECT_EQ(fact.value(), 42U);
  for (const char* text : {"", "\n", " ", "x", "4x", "-1", "4 2", "0x10", "18446744073709551616",
                           "1e9", "4,000", "\xff\xfe", "max max"}) {
    EXPECT_EQ(reading_of(text), Reading::kUnreadable) << text;
  }
  EXPECT_EQ(reading_of(std::string("4\0", 2)), Reading::kUnreadable);
  for (const char* text : {"0", " 7 ", "\t7\n\n", "18446744073709551615"}) {
    EXPECT_EQ(reading_of(text), Reading::kRead) << text;
  }
}

TEST(FactFiles, MaxAndUnlimitedAreTheLargestNumber) {
  for (const char* text : {"max\n", "unlimited"}) {
    const FakeMachine machine(FakeMachine::Files{{"f", text}});
    EXPECT_EQ(read_numbers(machine.path("f")).value(), kUnlimited);
  }
}

TEST(FactFiles, WantsAsManyNumbersAsThereAre) {
  const FakeMachine machine(FakeMachine::Files{{"f", "1\t2  3\n"}});
  const FactOf<3> three = read_numbers<3>(machine.path("f"));
  ASSERT_TRUE(three.known());
  EXPECT_EQ(three.values, (std::array<std::uint64_t, 3>{1, 2, 3}));
  EXPECT_EQ(read_numbers<2>(machine.path("f")).reading, Reading::kUnreadable);
  EXPECT_EQ(read_numbers<4>(machine.path("f")).reading, Reading::kUnreadable);
}

TEST(FactFiles, TellsMissingFromUnreadable) {
  const FakeMachine machine(FakeMachine::Files{{"folder/f", "1"}});
  EXPECT_EQ(read_numbers(machine.path("nothing")).reading, Reading::kMissing);
  EXPECT_EQ(read_numbers(machine.path("nothing/below")).reading, Reading::kMissing);
  EXPECT_EQ(read_numbers(machine.path("folder/f/below")).reading, Reading::kMissing);
  EXPECT_EQ(read_numbers(machine.path("folder")).reading, Reading::kUnreadable);
}

TEST(FactFiles, IsNotHeldUpByAPipeNorByAFileWithoutEnd) {
  const FakeMachine machine;
  ASSERT_EQ(mkfifo(machine.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_numbers(machine.path("pipe")).reading, Reading::kUnreadable);
  std::filesystem::create_symlink("/dev/zero", machine.path("endless"));
  EXPECT_EQ(read_fact_file(machine.path("endless")).reading, Reading::kUnreadable);
  std::filesystem::create_symlink("loop", machine.path("loop"));
  EXPECT_EQ(read_fact_file(machine.path("loop")).reading, Reading::kUnreadable);
}

TEST(FactFiles, TakesAFileUpToItsLimit) {
  for (const std::size_t size : {kMaxFactFile - 1, kMaxFactFile, kMaxFactFile + 1}) {
    const FakeMachine machine(FakeMachine::Files{{"f", std::string(size, 'x')}});
    const FactFile file = read_fact_file(machine.path("f"));
    EXPECT_EQ(file.reading, size <= kMaxFactFile ? Reading::kRead : Reading::kUnreadable) << size;
    EXPECT_EQ(file.text.size(), size <= kMaxFactFile ? size : 0);
  }
}

TEST(FactFiles, FindsTheNumberBehindAKey) {
  const FakeMachine machine(FakeMachine::Files{{"f", "MemTotal:  7 kB\nanon 8\nbad x\nanon 9\n"}});
  const FactFile file = read_fact_file(machine.path("f"));
  EXPECT_EQ(number_behind(file, "MemTotal:").value(), 7U);
  EXPECT_EQ(number_behind(file, "anon").value(), 8U);
  EXPECT_EQ(number_behind(file, "bad").reading, Reading::kUnreadable);
  EXPECT_EQ(number_behind(file, "Mem").reading, Reading::kUnreadable);
  EXPECT_EQ(number_behind(FactFile{Reading::kUnreadable, {}}, "x").reading, Reading::kUnreadable);
  EXPECT_EQ(number_behind(FactFile{Reading::kMissing, {}}, "x").reading, Reading::kMissing);
}

TEST(FactFiles, CutsWordsAndLines) {
  std::string_view text = " a\tb\n\nc";
  std::string_view line = next_line(text);
  EXPECT_EQ(next_word(line), "a");
  EXPECT_EQ(next_word(line), "b");
  EXPECT_EQ(next_word(line), "");
  EXPECT_EQ(next_line(text), "");
  EXPECT_EQ(next_line(text), "c");
  EXPECT_EQ(next_line(text), "");
}

}  // namespace
}  // namespace millrace
