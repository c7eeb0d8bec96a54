import { expect, test } from '@jest/globals'
import { plainUrl } from '../../../../src/store/download/plain-url.js'

test.each([
  ['http://host/a%20b', 'http://host/a%20b'],
  ['http://HOST:80/', 'http://host/'],
  ['https://user:word@host:8443/x', 'https://host:8443/x'],
  ['https://user@host/x', 'https://host/x'],
  ['http://host/x#token=abc', 'http://host/x'],
  ['http://host/x?arch=x86_64&release=39', 'http://host/x?arch=x86_64&release=39'],
  ['http://host/x?file=Fedora-Cloud-Base-39.qcow2', 'http://host/x?file=Fedora-Cloud-Base-39.qcow2'],
  ['http://host/x?', 'http://host/x?'],
  ['http://host/x?a=1&access_token=abc&b', 'http://host/x?a=1&access_token=***&b'],
  ['http://host/x?PASSWORD=a%26b', 'http://host/x?PASSWORD=***'],
  ['http://host/x?api-key=1', 'http://host/x?api-key=***'],
  ['http://host/x?X-Amz-Signature=1&X-Amz-Credential=2', 'http://host/x?X-Amz-Signature=***&X-Amz-Credential=***'],
  ['http://host/x?sv=2023-01-03&sig=%2Bab', 'http://host/x?sv=2023-01-03&sig=***'],
  ['http://host/x?q=4f3c2b1a9d8e7f6a5b4c', 'http://host/x?q=***'],
  ['http://host/x?q=0b0f4d5c-3f0a-4d3e-9a70-0f9e1c2d3a4b', 'http://host/x?q=***'],
  ['http://host/x?ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'http://host/x?***'],
  ['http://host/x?q=eyJhbGciOiJIUzI1NiJ9.eyJzdWIi', 'http://host/x?q=***'],
  ['user:word@host/x?token=1', 'host/x'],
  ['//user:wo@rd@host/x', '//host/x'],
  ['http://user:wo/rd@ho st/x?token=1', 'http://ho st/x'],
  ['/var/lib/image', '/var/lib/image'],
  ['a\nb\u001b[31mc', 'a bc'],
  ['', ''],
])('%s is shown as %s', (url, shown) => {
  expect(plainUrl(url)).toBe(shown)
})
