// Looks whether hosts and storages are what the engine would make a data centre of. In JavaScript, to show that, too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
