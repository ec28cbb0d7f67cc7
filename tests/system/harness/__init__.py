# SPDX-License-Identifier: Apache-2.0
"""What the system tests are made of.

certs     a certificate authority and good and bad certificates of it
dovecot   private Dovecot servers on loopback
mailbox   fills a mailbox and dumps it as a multiset, by imaplib
corpus    messages that are hard on a migration
program   runs the program under test, always with a timeout
killing   kills it by how far it is, not by how long it has run
proxy     a TCP proxy between program and server that breaks things
fakeimap  a small scripted IMAP server that remembers what it was told
archive   writes Maildir and mbox archives
dump      what the program reads in an archive, without a store
pst_make  writes small PST and OST files with the oddities of real ones
pst_read, pst_oracle  what the program and others read in them

Nothing in here asserts on time, and nothing waits without a limit.
"""
