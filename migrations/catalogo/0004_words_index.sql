-- From here on the words are searched, and no longer the texts. A row that another
-- program inserts has none until `quarteto migrate` writes them.
SET @ddl = IF(
    EXISTS (SELECT 1 FROM information_schema.statistics
            WHERE table_schema = DATABASE() AND table_name = 'catalogo' AND index_name = 'catalogo_palavras'),
    'DO 0',
    'ALTER TABLE `catalogo`
        ADD FULLTEXT KEY `catalogo_palavras` (`busca`),
        DROP KEY `catalogo_busca`'
);
PREPARE ddl FROM @ddl;
EXECUTE ddl;
DEALLOCATE PREPARE ddl
