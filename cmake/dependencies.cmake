# Third-party parts from Debian packages (the list is in tools/debian-packages.txt), and librdkafka (tools/librdkafka).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(absl REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(date REQUIRED)
find_package(RocksDB REQUIRED)
find_package(pegtl REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
find_package(Boost 1.81 REQUIRED)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
if(METERSTREAM_TESTS)
  find_package(GTest REQUIRED)
  find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
  find_path(RAPIDCHECK_INCLUDE rapidcheck.h REQUIRED)
  add_library(rapidcheck_library INTERFACE)
  target_link_libraries(rapidcheck_library INTERFACE ${RAPIDCHECK_LIBRARY})
  target_include_directories(rapidcheck_library SYSTEM INTERFACE ${RAPIDCHECK_INCLUDE})
endif()
if(METERSTREAM_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

if(METERSTREAM_REDIS)
  # hiredis for the protocol; Debian's is too old for TLS, which OpenSSL does here.
  pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
  pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
endif()

if(METERSTREAM_KAFKA)
  # One build for all presets.
  set(LIBRDKAFKA_ROOT ${CMAKE_SOURCE_DIR}/build/third-party/librdkafka CACHE PATH "Where tools/librdkafka installed it")
  if(NOT EXISTS ${LIBRDKAFKA_ROOT}/lib/librdkafka.a)
    message(FATAL_ERROR "librdkafka is not in ${LIBRDKAFKA_ROOT}. Run tools/librdkafka, or configure with -DMETERSTREAM_KAFKA=OFF.")
  endif()
  pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
  pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
  pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
  add_library(librdkafka STATIC IMPORTED GLOBAL)
  set_target_properties(librdkafka PROPERTIES
    IMPORTED_LOCATION ${LIBRDKAFKA_ROOT}/lib/librdkafka.a
    INTERFACE_INCLUDE_DIRECTORIES ${LIBRDKAFKA_ROOT}/include
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${LIBRDKAFKA_ROOT}/include
    INTERFACE_LINK_LIBRARIES "PkgConfig::OPENSSL;PkgConfig::LZ4;PkgConfig::ZSTD;PkgConfig::ZLIB;Threads::Threads;m;dl")
endif()

if(METERSTREAM_LAKE)
  include(arrow)
endif()

if(METERSTREAM_CASSANDRA)
  # One build for all presets.
  set(CASSANDRA_DRIVER_ROOT ${CMAKE_SOURCE_DIR}/build/third-party/cassandra-driver CACHE PATH "Where tools/cassandra-driver put it")
  if(NOT EXISTS ${CASSANDRA_DRIVER_ROOT}/lib/libcassandra_driver.a)
    message(FATAL_ERROR "The driver of Cassandra is not in ${CASSANDRA_DRIVER_ROOT}. Run tools/cassandra-driver, or configure with -DMETERSTREAM_CASSANDRA=OFF.")
  endif()
  pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl)
  add_library(cassandra_driver STATIC IMPORTED GLOBAL)
  set_target_properties(cassandra_driver PROPERTIES
    IMPORTED_LOCATION ${CASSANDRA_DRIVER_ROOT}/lib/libcassandra_driver.a
    INTERFACE_LINK_LIBRARIES "PkgConfig::OPENSSL;Threads::Threads;m;dl")
endif()
