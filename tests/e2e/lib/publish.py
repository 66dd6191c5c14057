# SPDX-License-Identifier: MIT
# Publishes by redis-py, as an application does: PORT PASSWORD. Each line of its output is an answer.
import sys

import redis

port, password = int(sys.argv[1]), sys.argv[2]
one = redis.Redis(port=port, password=password, client_name="py")
print(one.ping(), one.client_getname(), one.publish("news", "py 1"), one.publish("news", b"py 2"))
pipe = one.pipeline(transaction=False)
for i in range(3, 6):
    pipe.publish("news", "py %d" % i)
print(pipe.execute())
try:
    one.get("key")
except redis.ResponseError as error:
    print(error)
