#include "proto/flat_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "proto/millrace_generated.h"

namespace millrace {
namespace {

// flatc's own check and reader, over bytes that lie aligned.
const flat::Publication* read(const std::string& out, std::vector<std::uint64_t>& words) {
  words.assign(out.size() / 8 + 1, 0);
  out.copy(reinterpret_cast<char*>(words.data()), out.size());
  const auto* const start = reinterpret_cast<const std::uint8_t*>(words.data());
  flatbuffers::Verifier verifier(start, out.size());
  if (!verifier.VerifySizePrefixedBuffer<flat::Publication>("TEST")) return nullptr;
  return flatbuffers::GetSizePrefixedRoot<flat::Publication>(start);
}

TEST(FlatWriterTest, WritesNumbersTextsBytesAndChildren) {
  using Table = flat::Publication;
  std::string out;
  FlatMessage message(out, "TEST");
  FlatPlace info;
  message.table(message.root(), FlatTable()
                                    .number(Table::VT_DELTA, true)
                                    .number(Table::VT_OFFSET, 0x0102030405060708ULL)
                                    .bytes(Table::VT_DATA, "abc")
                                    .child(Table::VT_INFO, info));
  message.table(info, FlatTable().text(flat::ClientInfo::VT_USER, "ann"));
  message.finish();

  std::vector<std::uint64_t> words;
  const flat::Publication* const got = read(out, words);
  ASSERT_NE(got, nullptr);
  EXPECT_TRUE(got->delta());
  EXPECT_EQ(got->offset(), 0x0102030405060708ULL);
  ASSERT_NE(got->data(), nullptr);
  EXPECT_EQ(got->data()->size(), 3U);
  EXPECT_EQ(got->info()->user()->str(), "ann");
  EXPECT_EQ(got->info()->client(), nullptr);
}

TEST(FlatWriterTest, LeavesOutWhatIsZero) {
  using Table = flat::Publication;
  std::string empty;
  FlatMessage one(empty, "TEST");
  one.table(one.root(), {});
  one.finish();
  std::string zeros;
  FlatMessage two(zeros, "TEST");
  two.table(two.root(), FlatTable()
                            .number(Table::VT_DELTA, false)
                            .number(Table::VT_OFFSET, 0ULL)
                            .bytes(Table::VT_DATA, ""));
  two.finish();
  EXPECT_EQ(zeros, empty);
  EXPECT_EQ(empty.size(), 24U);
}

// Each way that a vtable, a number and a text can lie.
TEST(FlatWriterTest, AlignsWhateverStandsBefore) {
  using Table = flat::Publication;
  for (std::size_t before = 0; before < 9; ++before) {
    for (std::size_t length = 0; length < 17; ++length) {
      for (const std::uint64_t offset : {0ULL, 7ULL}) {
        std::string out(before, 'b');
        FlatMessage message(out, "TEST");
        FlatPlace info;
        const std::string text(length, 't');
        message.table(message.root(), FlatTable()
                                          .bytes(Table::VT_DATA, text)
                                          .number(Table::VT_OFFSET, offset)
                                          .child(Table::VT_INFO, info));
        message.table(info, FlatTable().text(flat::ClientInfo::VT_CLIENT, text));
        message.finish();
        EXPECT_EQ(out.substr(0, before), std::string(before, 'b'));
        EXPECT_EQ((out.size() - before) % 8, 0U);
        std::vector<std::uint64_t> words;
        const flat::Publication* const got = read(out.substr(before), words);
        ASSERT_NE(got, nullptr) << before << " " << length << " " << offset;
        EXPECT_EQ(got->offset(), offset);
        EXPECT_EQ(got->data() == nullptr ? 0 : got->data()->size(), length);
        EXPECT_EQ(got->info()->client() == nullptr ? "" : got->info()->client()->str(), text);
      }
    }
  }
}

TEST(FlatWriterTest, WritesVectorsOfTables) {
  for (const std::size_t count : {0, 1, 2, 1'000}) {
    std::string out;
    FlatMessage message(out, "TEST");
    FlatPlace list;
    message.table(message.root(), FlatTable().child(flat::PresenceResult::VT_MEMBERS, list));
    FlatPlace each = message.tables(list, count);
    for (std::size_t i = 0; i < count; ++i) {
      message.table(each, FlatTable().text(flat::ClientInfo::VT_USER, std::to_string(i)));
      each = FlatMessage::next(each);
    }
    message.finish();
    std::vector<std::uint64_t> words(out.size() / 8);
    out.copy(reinterpret_cast<char*>(words.data()), out.size());
    const auto* const start = reinterpret_cast<const std::uint8_t*>(words.data());
    flatbuffers::Verifier verifier(start, out.size());
    ASSERT_TRUE(verifier.VerifySizePrefixedBuffer<flat::PresenceResult>("TEST"));
    const auto* const members =
        flatbuffers::GetSizePrefixedRoot<flat::PresenceResult>(start)->members();
    ASSERT_EQ(members->size(), count);
    if (count > 0) {
      EXPECT_EQ(members->Get(static_cast<flatbuffers::uoffset_t>(count - 1))->user()->str(),
                std::to_string(count - 1));
    }
  }
}

TEST(FlatWriterDeathTest, ATableHasAsManyFieldsAsThereIsRoomFor) {
  FlatTable table;
  for (std::uint16_t i = 0; i < FlatTable::kMaxFields; ++i) {
    table.number(static_cast<std::uint16_t>(4 + 2 * i), 1);
  }
  EXPECT_DEATH(table.number(60, 1), "kMaxFields");
}

}  // namespace
}  // namespace millrace
