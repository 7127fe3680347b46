#include "net/nats/nkey.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/net/nats/nats_test_keys.h"

namespace millrace {
namespace {

// Pairs that npm nkeys.js made.
TEST(Nkey, IsThePublicHalfOfASeed) {
  EXPECT_EQ(nkey_of_seed(kUserSeed), kUserKey);
  EXPECT_EQ(nkey_of_seed("SUABTUSTSYBNLQIZHTBZB3GMVNVPJFY3HOWDKD5M7OTHNMGZ6APUWKET4U"),
            "UCQ6TFVKA4N63L4CXVTZ25WCBTNAJUXL4KFT7E5YE7TSSZZEJKMUNZCU");
  EXPECT_EQ(nkey_of_seed("SUAJYCNEWKUAUIZWSOZWZMZYATGDKTRIAXWI5XHHCSE6OTYMA3BCBUUTJI"),
            "UDOOZ7YMEQX63O3KFNRGPQBI7HINDH7VYTSZWTIX3CJTKEE3SS4NTH7S");
}

TEST(Nkey, OfAnotherKindOrMistypedIsNone) {
  EXPECT_EQ(nkey_of_seed(""), std::nullopt);
  EXPECT_EQ(nkey_of_seed(kUserKey), std::nullopt) << "no seed";
  EXPECT_EQ(nkey_of_seed(kAccountSeed), std::nullopt) << "no user's";
  const std::string seed = kUserSeed;
  EXPECT_EQ(nkey_of_seed(seed + "A"), std::nullopt);
  EXPECT_EQ(nkey_of_seed(seed.substr(1)), std::nullopt);
  EXPECT_EQ(nkey_of_seed(seed.substr(0, kNkeySeedBytes - 1)), std::nullopt);
  for (std::size_t i = 0; i < seed.size(); ++i) {
    for (const char wrong : {'A', 'B', '7', '1', 's', ' ', '\0'}) {
      std::string other = seed;
      if (other[i] == wrong) continue;
      other[i] = wrong;
      EXPECT_EQ(nkey_of_seed(other), std::nullopt) << i << " " << wrong;
    }
  }
}

}  // namespace
}  // namespace millrace
