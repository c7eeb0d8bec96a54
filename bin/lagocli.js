#!/usr/bin/env node
import('./lago.js')
