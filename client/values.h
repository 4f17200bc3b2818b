/*
 * What options take, parsed strictly: all of it or nothing.
 */
#ifndef POSTERN_CLIENT_VALUES_H
#define POSTERN_CLIENT_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The number if `s` is nothing but at most 9 decimal digits, within min..max;
 * else -1.
 */
int value_number(const char *s, int min, int max);

/*
 * Seconds with at most 6 digits behind a point ("2", "0.25", ".5"), as
 * microseconds; -1 if it is anything else or more than a day.
 */
int64_t value_microseconds(const char *s);

/*
 * A numeric address, with a port or without (then it is 0): "192.0.2.7",
 * "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711".  No scope.
 */
bool value_address(const char *s, struct sockaddr_storage *ss);

#endif
