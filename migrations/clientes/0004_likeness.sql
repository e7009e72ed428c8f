-- Likeness is not identity. An address has a key of its own, compared byte for byte:
-- lower case, NFC, the domain in punycode. A name is searched by what is left of it
-- without case, accents and double blanks. Both are written with every row; the next
-- file makes the key unique, once the rows that are there have theirs.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
            WHERE table_schema = DATABASE() AND table_name = 'cadastro' AND column_name = 'email_chave'),
    'DO 0',
    'ALTER TABLE `cadastro`
        ADD COLUMN `email_chave` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL AFTER `email`,
        ADD COLUMN `nome_busca` VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL AFTER `nome`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
