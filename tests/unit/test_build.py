from goldstream import build


def test_the_commit_is_known_or_empty():
    assert build.commit() == "" or len(build.commit().removesuffix("-dirty")) in (12, 40)
    assert build.version()[0].isdigit()
    assert build.code().startswith(build.version()) and build.commit() in build.code()
