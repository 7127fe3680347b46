#include "core/mem/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

// Counts its living, so that a destructor that did not run shows.
struct Tenant {
  Tenant(std::string tenant_name, int* count) : name(std::move(tenant_name)), living(count) {
    ++*living;
  }
  ~Tenant() { --*living; }
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;
  std::string name;
  int* living;
};

TEST(Slab, AcquireFindRelease) {
  int living = 0;
  Slab<Tenant> slab(4);
  const auto [object, id] = slab.acquire("a", &living);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->name, "a");
  EXPECT_EQ(slab.find(id), object);
  EXPECT_EQ(slab.find_index(id.index), object);
  EXPECT_EQ(slab.size(), 1U);
  EXPECT_EQ(living, 1);
  slab.release(id);
  EXPECT_EQ(living, 0);
  EXPECT_EQ(slab.size(), 0U);
  EXPECT_EQ(slab.find(id), nullptr);
  EXPECT_EQ(slab.find_index(id.index), nullptr);
}

// 128 slots are a chunk: the limits around one are the ones that could be off.
TEST(Slab, CapacityLimits) {
  for (const std::uint32_t capacity : {0U, 1U, 127U, 128U, 129U, 600U}) {
    Slab<int> slab(capacity);
    std::vector<ConnId> ids;
    for (std::uint32_t i = 0; i < capacity; ++i) {
      EXPECT_EQ(slab.size(), i);
      const auto [object, id] = slab.acquire(static_cast<int>(i));
      ASSERT_NE(object, nullptr) << i << " of " << capacity;
      ids.push_back(id);
    }
    EXPECT_EQ(slab.acquire(0).object, nullptr) << capacity;
    EXPECT_EQ(slab.size(), capacity);
    EXPECT_EQ(slab.capacity(), capacity);
    if (capacity > 0) {  // the limit is no trap: one out, one in
      slab.release(ids.back());
      const auto [object, id] = slab.acquire(7);
      ASSERT_NE(object, nullptr);
      EXPECT_EQ(slab.acquire(0).object, nullptr);
      ids.back() = id;
    }
    for (const ConnId id : ids) slab.release(id);
  }
}

TEST(Slab, AStaleIdFindsNothing) {
  Slab<int> slab(1);
  const ConnId first = slab.acquire(1).id;
  slab.release(first);
  const ConnId second = slab.acquire(2).id;
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.generation, first.generation);
  EXPECT_EQ(slab.find(first), nullptr);
  ASSERT_NE(slab.find(second), nullptr);
  EXPECT_EQ(*slab.find(second), 2);
  slab.release(second);
}

TEST(Slab, AnIdOfNoSlotFindsNothing) {
  Slab<int> slab(4);
  const ConnId id = slab.acquire(1).id;
  EXPECT_EQ(slab.find(ConnId{}), nullptr);  // generation 0 is nobody's
  EXPECT_EQ(slab.find(ConnId{id.index + 1, 1}), nullptr);
  EXPECT_EQ(slab.find(ConnId{4, 1}), nullptr);
  EXPECT_EQ(slab.find(ConnId{UINT32_MAX, 1}), nullptr);
  EXPECT_EQ(slab.find_index(UINT32_MAX), nullptr);
  EXPECT_EQ(slab.find_index(1), nullptr);
  slab.release(id);
}

TEST(Slab, GenerationsAre24BitsWideAndSkipZero) {
  Slab<int> slab(1);
  ConnId id = slab.acquire(0).id;
  EXPECT_EQ(id.generation, 1U);
  for (std::uint32_t i = 1; i < kGenerationMask; ++i) {
    slab.release(id);
    id = slab.acquire(0).id;
    if (id.generation != i + 1) break;
  }
  EXPECT_EQ(id.generation, kGenerationMask);
  slab.release(id);
  id = slab.acquire(0).id;
  EXPECT_EQ(id.generation, 1U) << "0 is skipped";
  slab.release(id);
}

TEST(Slab, TenantsDoNotMoveWhenItGrows) {
  Slab<std::uint64_t> slab(10'000);
  std::vector<std::pair<std::uint64_t*, ConnId>> all;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const auto [object, id] = slab.acquire(i);
    all.emplace_back(object, id);
  }
  for (std::uint64_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(slab.find(all[i].second), all[i].first);
    ASSERT_EQ(*all[i].first, i);
    slab.release(all[i].second);
  }
}

TEST(Slab, RespectsAlignment) {
  struct alignas(64) Wide {
    char bytes[65];
  };
  Slab<Wide> slab(3);
  for (int i = 0; i < 3; ++i) {
    const auto [object, id] = slab.acquire();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 64, 0U);
  }
  slab.for_each([&slab](ConnId id, Wide&) { slab.release(id); });
}

TEST(Slab, ForEachMayReleaseTheOneItIsGiven) {
  int living = 0;
  Slab<Tenant> slab(300);
  for (int i = 0; i < 300; ++i) ASSERT_NE(slab.acquire(std::to_string(i), &living).object, nullptr);
  int seen = 0;
  slab.for_each([&](ConnId id, Tenant& tenant) {
    ++seen;
    EXPECT_EQ(slab.find(id), &tenant);
    if (std::stoi(tenant.name) % 2 == 0) slab.release(id);
  });
  EXPECT_EQ(seen, 300);
  EXPECT_EQ(living, 150);
  slab.for_each([&](ConnId id, Tenant& tenant) {
    EXPECT_EQ(std::stoi(tenant.name) % 2, 1);
    slab.release(id);
  });
  EXPECT_EQ(living, 0);
  slab.for_each([](ConnId, Tenant&) { ADD_FAILURE() << "nobody is left"; });
}

// A tenant's destructor may look itself up, and others: it is still there while it dies.
TEST(Slab, DestructorSeesTheSlab) {
  struct Curious {
    Slab<Curious>* slab = nullptr;
    std::uint32_t index = 0;
    bool* found = nullptr;
    ~Curious() {
      if (found != nullptr) *found = slab->find_index(index) == this;
    }
  };
  Slab<Curious> slab(1);
  bool found = false;
  const auto [object, id] = slab.acquire();
  object->slab = &slab;
  object->index = id.index;
  object->found = &found;
  slab.release(id);
  EXPECT_TRUE(found);
}

TEST(Slab, AgreesWithAMap) {
  std::mt19937_64 random(3);
  Slab<std::uint64_t> slab(500);
  std::map<ConnId, std::uint64_t> model;
  std::vector<ConnId> gone;
  for (int i = 0; i < 100'000; ++i) {
    if (random() % 100 < 52) {
      const std::uint64_t value = random();
      const auto [object, id] = slab.acquire(value);
      ASSERT_EQ(object == nullptr, model.size() == 500U);
      if (object == nullptr) continue;
      ASSERT_TRUE(model.emplace(id, value).second) << id;
    } else if (!model.empty()) {
      auto at = model.lower_bound(ConnId{static_cast<std::uint32_t>(random() % 500), 0});
      if (at == model.end()) at = model.begin();
      ASSERT_NE(slab.find(at->first), nullptr);
      ASSERT_EQ(*slab.find(at->first), at->second);
      slab.release(at->first);
      gone.push_back(at->first);
      model.erase(at);
    }
    ASSERT_EQ(slab.size(), model.size());
    if (gone.empty()) continue;
    ASSERT_EQ(slab.find(gone[random() % gone.size()]), nullptr);
  }
  std::size_t seen = 0;
  slab.for_each([&](ConnId id, std::uint64_t& value) {
    ++seen;
    EXPECT_EQ(model.at(id), value);
    slab.release(id);
  });
  EXPECT_EQ(seen, model.size());
}

TEST(SlabDeathTest, MisuseIsCaught) {
  Slab<int> slab(2);
  const ConnId id = slab.acquire(1).id;
  EXPECT_DEATH(slab.release(ConnId{id.index, id.generation + 1}), "CHECK failed");
  EXPECT_DEATH(
      {
        slab.release(id);
        slab.release(id);
      },
      "CHECK failed: slot.taken");
  EXPECT_DEATH(
      {
        Slab<int> leaking(1);
        static_cast<void>(leaking.acquire(1));
      },
      "CHECK failed: size_ == 0U with 1 and 0");
  slab.release(id);
}

}  // namespace
}  // namespace millrace
