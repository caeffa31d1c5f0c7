-- The directory is what the code validates against (src/rules/directory.ts); nothing ever read its copy here.
DROP TABLE "bank_directory";
DROP TABLE "wallet_directory";
